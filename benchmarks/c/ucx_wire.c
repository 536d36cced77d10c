/* wire.h over UCX's UCP: puts, flushes, and tagged messages. */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucp/api/ucp.h>

static ucp_context_h context;
static ucp_worker_h worker;
static ucp_ep_h eps[MAX_ENDS];
static ucp_rkey_h rkeys[MAX_ENDS];
static int allocates;

static void check(ucs_status_t status, const char *what) {
    if (status != UCS_OK) fail(what, ucs_status_string(status));
}

const char *wire_version(void) {
    static char text[64];
    unsigned major, minor, release;
    ucp_get_version(&major, &minor, &release);
    snprintf(text, sizeof text, "UCX %u.%u.%u, ucp_put_nbx", major, minor, release);
    return text;
}

void wire_select(const char *link) {
    int tcp = strcmp(link, "tcp") == 0;
    if (!tcp && strcmp(link, "memory") != 0) fail(link, "the link is tcp or memory");
    setenv("UCX_TLS", tcp ? "tcp" : "posix,sysv,cma,self", 0);
    if (tcp) setenv("UCX_NET_DEVICES", "lo", 0);
    allocates = !tcp;
}

size_t wire_open(char address[MAX_ADDRESS]) {
    ucp_params_t params = {.field_mask = UCP_PARAM_FIELD_FEATURES,
                           .features = UCP_FEATURE_RMA | UCP_FEATURE_TAG | UCP_FEATURE_WAKEUP};
    check(ucp_init(&params, NULL, &context), "ucp_init");
    ucp_worker_params_t ours = {.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE,
                                .thread_mode = UCS_THREAD_MODE_SINGLE};
    check(ucp_worker_create(context, &ours, &worker), "ucp_worker_create");
    ucp_address_t *mine;
    size_t bytes;
    check(ucp_worker_get_address(worker, &mine, &bytes), "ucp_worker_get_address");
    if (bytes > MAX_ADDRESS) fail("ucp_worker_get_address", "the address is too long");
    memcpy(address, mine, bytes);
    ucp_worker_release_address(worker, mine);
    return bytes;
}

static wire_memory mapped(ucp_mem_map_params_t *params) {
    ucp_mem_h handle;
    check(ucp_mem_map(context, params, &handle), "ucp_mem_map");
    ucp_mem_attr_t attributes = {.field_mask = UCP_MEM_ATTR_FIELD_ADDRESS};
    check(ucp_mem_query(handle, &attributes), "ucp_mem_query");
    return (wire_memory){attributes.address, params->length, handle};
}

/* Within one host UCX's own memory is mapped by the other process; that of others is copied through the kernel. */
wire_memory wire_allocate(size_t bytes) {
    if (!allocates) return (wire_memory){0};
    ucp_mem_map_params_t params = {.field_mask = UCP_MEM_MAP_PARAM_FIELD_LENGTH | UCP_MEM_MAP_PARAM_FIELD_FLAGS,
                                   .length = bytes, .flags = UCP_MEM_MAP_ALLOCATE};
    return mapped(&params);
}

wire_memory wire_register(char *at, size_t bytes) {
    ucp_mem_map_params_t params = {.field_mask = UCP_MEM_MAP_PARAM_FIELD_ADDRESS | UCP_MEM_MAP_PARAM_FIELD_LENGTH,
                                   .address = at, .length = bytes};
    return mapped(&params);
}

size_t wire_key(const wire_memory *memory, char key[MAX_KEY]) {
    void *packed;
    size_t bytes;
    check(ucp_rkey_pack(context, memory->handle, &packed, &bytes), "ucp_rkey_pack");
    if (bytes > MAX_KEY) fail("ucp_rkey_pack", "the key is too long");
    memcpy(key, packed, bytes);
    ucp_rkey_buffer_release(packed);
    return bytes;
}

void wire_release(wire_memory *memory) {
    check(ucp_mem_unmap(context, memory->handle), "ucp_mem_unmap");
    memory->handle = NULL;
}

void wire_connect(int target, const char *address, const char *key, size_t key_bytes) {
    (void)key_bytes;
    ucp_ep_params_t params = {.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS,
                              .address = (const ucp_address_t *)address};
    check(ucp_ep_create(worker, &params, &eps[target]), "ucp_ep_create");
    check(ucp_ep_rkey_unpack(eps[target], key, &rkeys[target]), "ucp_ep_rkey_unpack");
}

/* A put that goes on is finished by the flush of its target. */
void wire_put(int target, const wire_memory *from, const char *at, size_t bytes, uint64_t to) {
    ucp_request_param_t params = {.op_attr_mask = UCP_OP_ATTR_FIELD_MEMH, .memh = from->handle};
    void *request = ucp_put_nbx(eps[target], at, bytes, to, rkeys[target], &params);
    if (UCS_PTR_IS_ERR(request)) fail("ucp_put_nbx", ucs_status_string(UCS_PTR_STATUS(request)));
    if (request) ucp_request_free(request);
}

wire_request wire_finish(int target) {
    ucp_request_param_t params = {0};
    void *request = ucp_ep_flush_nbx(eps[target], &params);
    if (UCS_PTR_IS_ERR(request)) fail("ucp_ep_flush_nbx", ucs_status_string(UCS_PTR_STATUS(request)));
    return request;
}

int wire_done(wire_request request) {
    if (!request) return 1;
    ucs_status_t status = ucp_request_check_status(request);
    if (status == UCS_INPROGRESS) return 0;
    ucp_request_free(request);
    check(status, "the request");
    return 1;
}

static void wait_for(void *request, const char *what) {
    if (UCS_PTR_IS_ERR(request)) fail(what, ucs_status_string(UCS_PTR_STATUS(request)));
    while (!wire_done(request)) ucp_worker_progress(worker);
}

void wire_send(int target, const void *message, size_t bytes) {
    ucp_request_param_t params = {0};
    wait_for(ucp_tag_send_nbx(eps[target], message, bytes, 1, &params), "ucp_tag_send_nbx");
}

void wire_receive(void *message, size_t bytes) {
    ucp_request_param_t params = {0};
    wait_for(ucp_tag_recv_nbx(worker, message, bytes, 1, UINT64_MAX, &params), "ucp_tag_recv_nbx");
}

int wire_progress(void) {
    return worker ? (int)ucp_worker_progress(worker) : 0;
}

int wire_sleeps(void) {
    int fd;
    if (!worker || ucp_worker_arm(worker) != UCS_OK) return -1;
    check(ucp_worker_get_efd(worker, &fd), "ucp_worker_get_efd");
    return fd;
}

void wire_disconnect(int targets) {
    for (int i = 0; i < targets; i++) {
        if (!eps[i]) continue;
        ucp_rkey_destroy(rkeys[i]);
        ucp_request_param_t params = {0};
        wait_for(ucp_ep_close_nbx(eps[i], &params), "ucp_ep_close_nbx");
        eps[i] = NULL;
    }
}

void wire_close(void) {
    ucp_worker_destroy(worker);
    worker = NULL;
    ucp_cleanup(context);
}
