/*
 * The C twin of the benchmark of the verbs bindings: writes requests and posts them, polls completions and looks at them,
 * on the device of stub_verbs.c. Prints nanoseconds per request and per completion.
 *
 * Usage: verbs_loop BATCH SECONDS
 */
#include <infiniband/verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MOST 64
#define CHUNK 4096

static struct ibv_send_wr requests[MOST];
static struct ibv_sge segments[MOST];
static struct ibv_wc completions[MOST];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

static void check(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "%s failed\n", what);
        exit(1);
    }
}

static void post(struct ibv_qp *qp, int batch, uint64_t id, uint64_t address) {
    struct ibv_send_wr *bad;
    for (int i = 0; i < batch; i++) {
        segments[i].addr = address + (uint64_t) i * CHUNK;
        segments[i].length = CHUNK;
        segments[i].lkey = 7;
        requests[i].wr_id = id + (uint64_t) i;
        requests[i].next = i + 1 < batch ? &requests[i + 1] : NULL;
        requests[i].sg_list = &segments[i];
        requests[i].num_sge = 1;
        requests[i].opcode = IBV_WR_RDMA_WRITE;
        requests[i].send_flags = IBV_SEND_SIGNALED;
        requests[i].wr.rdma.remote_addr = address + (uint64_t) i * CHUNK;
        requests[i].wr.rdma.rkey = 9;
    }
    check(ibv_post_send(qp, requests, &bad) == 0, "ibv_post_send");
}

static uint64_t poll(struct ibv_cq *cq, int batch) {
    uint64_t sum = 0;
    int count = ibv_poll_cq(cq, batch, completions);
    for (int i = 0; i < count; i++) {
        check(completions[i].status == IBV_WC_SUCCESS, "a request");
        sum += completions[i].wr_id;
    }
    return sum;
}

int main(int count, char **words) {
    check(count == 3, "usage: verbs_loop BATCH SECONDS");
    int batch = atoi(words[1]);
    double seconds = atof(words[2]);
    check(batch >= 1 && batch <= MOST, "BATCH of 1 to 64");
    struct ibv_device **list = ibv_get_device_list(NULL);
    struct ibv_context *context = ibv_open_device(list[0]);
    struct ibv_pd *pd = ibv_alloc_pd(context);
    struct ibv_cq *cq = ibv_create_cq(context, MOST, NULL, NULL, 0);
    struct ibv_qp_init_attr attributes = {.send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC};
    struct ibv_qp *qp = ibv_create_qp(pd, &attributes);
    volatile uint64_t sink = 0;
    double nanos[2];
    for (int phase = 0; phase < 2; phase++) {
        uint64_t rounds = 0;
        double start = now();
        double end = start;
        while (end - start < seconds * 1e9) {
            for (int i = 0; i < 10000; i++, rounds++) {
                if (phase == 0) {
                    post(qp, batch, rounds, rounds << 12);
                } else {
                    sink += poll(cq, batch);
                }
            }
            end = now();
        }
        nanos[phase] = (end - start) / (double) rounds / batch;
    }
    printf("{\"post\": %.3f, \"poll\": %.3f}\n", nanos[0], nanos[1]);
    return 0;
}
