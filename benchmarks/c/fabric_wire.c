/* wire.h over libfabric: writes that complete when they are delivered, and tagged messages. */
#include "wire.h"

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a target is written to: its key, and what its addresses count from. */
typedef struct {
    uint64_t key, base;
} landing_key;

/* Operations that have not completed. */
typedef struct {
    size_t open;
} operations;

static struct fi_info *info;
static struct fid_fabric *fabric;
static struct fid_domain *domain;
static struct fid_av *av;
static struct fid_cq *cq;
static struct fid_ep *ep;
static fi_addr_t addresses[MAX_ENDS];
static landing_key keys[MAX_ENDS];
static operations *current[MAX_ENDS];
static uint64_t next_key = 1;
static const char *selected;

static void check(ssize_t status, const char *what) {
    if (status != 0) fail(what, fi_strerror((int)-status));
}

const char *wire_version(void) {
    static char text[64];
    snprintf(text, sizeof text, "libfabric %s, fi_write", fi_tostr("", FI_TYPE_VERSION));
    return text;
}

void wire_select(const char *link) {
    if (strcmp(link, "tcp") != 0 && strcmp(link, "memory") != 0) fail(link, "the link is tcp or memory");
    selected = link;
}

size_t wire_open(char address[MAX_ADDRESS]) {
    int tcp = strcmp(selected, "tcp") == 0;
    struct fi_info *hints = fi_allocinfo();
    hints->caps = FI_RMA | FI_TAGGED;
    hints->ep_attr->type = FI_EP_RDM;
    hints->fabric_attr->prov_name = strdup(tcp ? "tcp;ofi_rxm" : "shm");
    hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
    hints->domain_attr->threading = FI_THREAD_DOMAIN;
    hints->tx_attr->op_flags = FI_DELIVERY_COMPLETE;
    check(fi_getinfo(FI_VERSION(1, 14), tcp ? "127.0.0.1" : NULL, NULL, tcp ? FI_SOURCE : 0, hints, &info),
          "fi_getinfo");
    fi_freeinfo(hints);
    check(fi_fabric(info->fabric_attr, &fabric, NULL), "fi_fabric");
    check(fi_domain(fabric, info, &domain, NULL), "fi_domain");
    struct fi_av_attr av_attributes = {.type = FI_AV_TABLE};
    check(fi_av_open(domain, &av_attributes, &av, NULL), "fi_av_open");
    struct fi_cq_attr cq_attributes = {.format = FI_CQ_FORMAT_CONTEXT, .wait_obj = tcp ? FI_WAIT_FD : FI_WAIT_NONE};
    check(fi_cq_open(domain, &cq_attributes, &cq, NULL), "fi_cq_open");
    check(fi_endpoint(domain, info, &ep, NULL), "fi_endpoint");
    check(fi_ep_bind(ep, &av->fid, 0), "fi_ep_bind");
    check(fi_ep_bind(ep, &cq->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
    check(fi_enable(ep), "fi_enable");
    size_t bytes = MAX_ADDRESS;
    check(fi_getname(&ep->fid, address, &bytes), "fi_getname");
    return bytes;
}

wire_memory wire_allocate(size_t bytes) {
    (void)bytes;
    return (wire_memory){0};
}

wire_memory wire_register(char *at, size_t bytes) {
    struct fid_mr *region;
    check(fi_mr_reg(domain, at, bytes, FI_WRITE | FI_REMOTE_WRITE, 0, next_key++, 0, &region, NULL), "fi_mr_reg");
    return (wire_memory){at, bytes, region};
}

size_t wire_key(const wire_memory *memory, char key[MAX_KEY]) {
    int absolute = (info->domain_attr->mr_mode & FI_MR_VIRT_ADDR) != 0;
    landing_key mine = {fi_mr_key(memory->handle), absolute ? 0 : (uintptr_t)memory->at};
    memcpy(key, &mine, sizeof mine);
    return sizeof mine;
}

void wire_release(wire_memory *memory) {
    struct fid_mr *region = memory->handle;
    check(fi_close(&region->fid), "fi_close");
    memory->handle = NULL;
}

void wire_connect(int target, const char *address, const char *key, size_t key_bytes) {
    if (fi_av_insert(av, address, 1, &addresses[target], 0, NULL) != 1) fail("fi_av_insert", "the address is refused");
    memcpy(&keys[target], key, key_bytes);
}

static operations *operation(int target) {
    if (!current[target]) current[target] = calloc(1, sizeof(operations));
    if (!current[target]) fail("memory", "there is not enough");
    return current[target];
}

void wire_put(int target, const wire_memory *from, const char *at, size_t bytes, uint64_t to) {
    operations *mine = operation(target);
    ssize_t status;
    while ((status = fi_write(ep, at, bytes, fi_mr_desc(from->handle), addresses[target], to - keys[target].base,
                              keys[target].key, mine)) == -FI_EAGAIN)
        wire_progress();
    check(status, "fi_write");
    mine->open++;
}

wire_request wire_finish(int target) {
    operations *mine = operation(target);
    current[target] = NULL;
    return mine;
}

int wire_done(wire_request request) {
    operations *mine = request;
    if (mine->open > 0) return 0;
    free(mine);
    return 1;
}

static void wait_for(operations *one) {
    while (one->open > 0) wire_progress();
}

void wire_send(int target, const void *message, size_t bytes) {
    operations one = {1};
    ssize_t status;
    while ((status = fi_tsend(ep, message, bytes, NULL, addresses[target], 1, &one)) == -FI_EAGAIN) wire_progress();
    check(status, "fi_tsend");
    wait_for(&one);
}

void wire_receive(void *message, size_t bytes) {
    operations one = {1};
    ssize_t status;
    while ((status = fi_trecv(ep, message, bytes, NULL, FI_ADDR_UNSPEC, 1, 0, &one)) == -FI_EAGAIN) wire_progress();
    check(status, "fi_trecv");
    wait_for(&one);
}

int wire_progress(void) {
    struct fi_cq_entry done[16];
    if (!cq) return 0;
    ssize_t found = fi_cq_read(cq, done, 16);
    if (found == -FI_EAGAIN) return 0;
    if (found == -FI_EAVAIL) {
        struct fi_cq_err_entry error = {0};
        fi_cq_readerr(cq, &error, 0);
        fail("a completion", fi_strerror(error.err));
    }
    if (found < 0) check(found, "fi_cq_read");
    for (ssize_t i = 0; i < found; i++) ((operations *)done[i].op_context)->open--;
    return (int)found;
}

int wire_sleeps(void) {
    int fd;
    struct fid *waits = cq ? &cq->fid : NULL;
    if (!cq || fi_control(&cq->fid, FI_GETWAIT, &fd) != 0 || fi_trywait(fabric, &waits, 1) != 0) return -1;
    return fd;
}

void wire_disconnect(int targets) {
    for (int i = 0; i < targets; i++) free(current[i]);
    memset(current, 0, sizeof current);
}

void wire_close(void) {
    fi_close(&ep->fid);
    fi_close(&cq->fid);
    fi_close(&av->fid);
    fi_close(&domain->fid);
    fi_close(&fabric->fid);
    fi_freeinfo(info);
    cq = NULL;
}
