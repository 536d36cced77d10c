/*
 * A libibverbs with one device that completes at once, and the little of librdmacm that DiSNI needs to make a queue pair.
 * What is left of a call is what its caller pays: this is the floor that callers are compared on.
 *
 * Posting walks the list of requests, as a driver does. Polling always finds as many completions as were asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef ibv_query_port
#undef ibv_reg_mr

static struct ibv_device device = {
    .node_type = IBV_NODE_CA,
    .transport_type = IBV_TRANSPORT_IB,
    .name = "stub0",
    .dev_name = "uverbs_stub",
    .ibdev_path = "/sys/class/infiniband/stub0",
};

static uint64_t last_id;

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad) {
    (void) bad;
    for (; wr != NULL; wr = wr->next) {
        if (wr->num_sge > 4 || qp->qp_type != IBV_QPT_RC) {
            *bad = wr;
            return EINVAL;
        }
        last_id = wr->wr_id;
    }
    return 0;
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad) {
    (void) qp;
    (void) bad;
    for (; wr != NULL; wr = wr->next) {
        last_id = wr->wr_id;
    }
    return 0;
}

static int post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad) {
    (void) srq;
    return post_recv(NULL, wr, bad);
}

static int poll_cq(struct ibv_cq *cq, int entries, struct ibv_wc *wc) {
    for (int i = 0; i < entries; i++) {
        wc[i].wr_id = last_id;
        wc[i].status = IBV_WC_SUCCESS;
        wc[i].opcode = IBV_WC_RDMA_WRITE;
        wc[i].byte_len = 0;
        wc[i].qp_num = 1;
        wc[i].wc_flags = 0;
    }
    (void) cq;
    return entries;
}

static int req_notify_cq(struct ibv_cq *cq, int solicited_only) {
    (void) cq;
    (void) solicited_only;
    return 0;
}

static struct ibv_context context = {
    .device = &device,
    .ops = {.poll_cq = poll_cq,
            .req_notify_cq = req_notify_cq,
            .post_srq_recv = post_srq_recv,
            .post_send = post_send,
            .post_recv = post_recv},
    .num_comp_vectors = 1,
};

struct ibv_device **ibv_get_device_list(int *count) {
    struct ibv_device **list = calloc(2, sizeof(*list));
    list[0] = &device;
    if (count != NULL) {
        *count = 1;
    }
    return list;
}

void ibv_free_device_list(struct ibv_device **list) { free(list); }

__be64 ibv_get_device_guid(struct ibv_device *d) {
    (void) d;
    return 0;
}

struct ibv_context *ibv_open_device(struct ibv_device *d) {
    (void) d;
    context.async_fd = open("/dev/null", O_RDONLY);
    return &context;
}

int ibv_close_device(struct ibv_context *c) {
    return close(c->async_fd);
}

int ibv_query_device(struct ibv_context *c, struct ibv_device_attr *a) {
    (void) c;
    memset(a, 0, sizeof(*a));
    a->phys_port_cnt = 1;
    return 0;
}

int ibv_query_port(struct ibv_context *c, uint8_t port, struct _compat_ibv_port_attr *a) {
    (void) c;
    (void) port;
    (void) a;
    return EOPNOTSUPP;
}

int ibv_get_async_event(struct ibv_context *c, struct ibv_async_event *e) {
    (void) c;
    (void) e;
    errno = EAGAIN;
    return -1;
}

void ibv_ack_async_event(struct ibv_async_event *e) { (void) e; }

struct ibv_pd *ibv_alloc_pd(struct ibv_context *c) {
    struct ibv_pd *pd = calloc(1, sizeof(*pd));
    pd->context = c;
    return pd;
}

int ibv_dealloc_pd(struct ibv_pd *pd) {
    free(pd);
    return 0;
}

struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *address, size_t length, int access) {
    (void) access;
    struct ibv_mr *mr = calloc(1, sizeof(*mr));
    mr->context = pd->context;
    mr->pd = pd;
    mr->addr = address;
    mr->length = length;
    mr->lkey = 1;
    mr->rkey = 2;
    return mr;
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *address, size_t length, uint64_t iova, unsigned int access) {
    (void) iova;
    return ibv_reg_mr(pd, address, length, (int) access);
}

int ibv_dereg_mr(struct ibv_mr *mr) {
    free(mr);
    return 0;
}

struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *c) {
    struct ibv_comp_channel *channel = calloc(1, sizeof(*channel));
    channel->context = c;
    channel->fd = open("/dev/null", O_RDONLY);
    return channel;
}

int ibv_destroy_comp_channel(struct ibv_comp_channel *channel) {
    close(channel->fd);
    free(channel);
    return 0;
}

struct ibv_cq *ibv_create_cq(struct ibv_context *c, int entries, void *cookie, struct ibv_comp_channel *channel,
                             int vector) {
    (void) vector;
    struct ibv_cq *cq = calloc(1, sizeof(*cq));
    cq->context = c;
    cq->channel = channel;
    cq->cq_context = cookie;
    cq->cqe = entries;
    return cq;
}

int ibv_destroy_cq(struct ibv_cq *cq) {
    free(cq);
    return 0;
}

int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **cookie) {
    (void) channel;
    (void) cq;
    (void) cookie;
    errno = EAGAIN;
    return -1;
}

void ibv_ack_cq_events(struct ibv_cq *cq, unsigned int count) {
    (void) cq;
    (void) count;
}

struct ibv_srq *ibv_create_srq(struct ibv_pd *pd, struct ibv_srq_init_attr *a) {
    (void) a;
    struct ibv_srq *srq = calloc(1, sizeof(*srq));
    srq->context = pd->context;
    srq->pd = pd;
    return srq;
}

int ibv_destroy_srq(struct ibv_srq *srq) {
    free(srq);
    return 0;
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *a) {
    struct ibv_qp *qp = calloc(1, sizeof(*qp));
    qp->context = pd->context;
    qp->pd = pd;
    qp->send_cq = a->send_cq;
    qp->recv_cq = a->recv_cq;
    qp->qp_num = 1;
    qp->qp_type = a->qp_type;
    return qp;
}

int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *a, int mask) {
    (void) mask;
    qp->state = a->qp_state;
    return 0;
}

int ibv_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *a, int mask, struct ibv_qp_init_attr *initial) {
    (void) mask;
    (void) initial;
    a->qp_state = qp->state;
    return 0;
}

int ibv_destroy_qp(struct ibv_qp *qp) {
    free(qp);
    return 0;
}

/* --- librdmacm, as far as a queue pair goes ----------------------------------------------------------------------- */

static struct rdma_event_channel events;

struct rdma_event_channel *rdma_create_event_channel(void) { return &events; }

void rdma_destroy_event_channel(struct rdma_event_channel *channel) { (void) channel; }

int rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *cookie,
                   enum rdma_port_space space) {
    *id = calloc(1, sizeof(**id));
    (*id)->channel = channel;
    (*id)->context = cookie;
    (*id)->ps = space;
    (*id)->verbs = &context;
    return 0;
}

int rdma_destroy_id(struct rdma_cm_id *id) {
    free(id);
    return 0;
}

int rdma_create_qp(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_qp_init_attr *a) {
    id->qp = ibv_create_qp(pd, a);
    return 0;
}

void rdma_destroy_qp(struct rdma_cm_id *id) {
    ibv_destroy_qp(id->qp);
    id->qp = NULL;
}

/* The rest of what disni.c calls; nothing here gets that far. */
#define NEVER (errno = ENOSYS, -1)

int rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *a) {
    (void) id;
    (void) a;
    return NEVER;
}

int rdma_listen(struct rdma_cm_id *id, int backlog) {
    (void) id;
    (void) backlog;
    return NEVER;
}

int rdma_resolve_addr(struct rdma_cm_id *id, struct sockaddr *s, struct sockaddr *d, int t) {
    (void) id;
    (void) s;
    (void) d;
    (void) t;
    return NEVER;
}

int rdma_resolve_route(struct rdma_cm_id *id, int t) {
    (void) id;
    (void) t;
    return NEVER;
}

int rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *p) {
    (void) id;
    (void) p;
    return NEVER;
}

int rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *p) {
    (void) id;
    (void) p;
    return NEVER;
}

int rdma_disconnect(struct rdma_cm_id *id) {
    (void) id;
    return NEVER;
}

int rdma_get_cm_event(struct rdma_event_channel *c, struct rdma_cm_event **e) {
    (void) c;
    (void) e;
    return NEVER;
}

int rdma_ack_cm_event(struct rdma_cm_event *e) {
    (void) e;
    return NEVER;
}

void rdma_destroy_ep(struct rdma_cm_id *id) {
    (void) id;
}
