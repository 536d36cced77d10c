/*
 * The native half of DiSNI 2.1: the functions that its class com.ibm.disni.verbs.impl.NativeDispatcher declares, written
 * from their signatures and the manual pages of libibverbs and librdmacm.
 *
 * Objects are named by their addresses. Work requests and completions arrive and leave as the C structs that DiSNI itself
 * lays out in direct memory. Errors are java.io.IOException where the method declares it, else a negative number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <jni.h>
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What NativeDispatcher asks for. */
#define INTERFACE_VERSION 32

/* DiSNI never says how many segments a request may have, and reserves room for this many. */
#define SEGMENTS 4

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_com_ibm_disni_verbs_impl_NativeDispatcher__1##name

#define POINTER(type, number) ((type *) (uintptr_t) (number))
#define NUMBER(pointer) ((jlong) (uintptr_t) (pointer))

static void fail(JNIEnv *env, const char *call, int error) {
    char message[160];
    snprintf(message, sizeof(message), "%s failed: %s (errno %d)", call, strerror(error), error);
    jclass type = (*env)->FindClass(env, "java/io/IOException");
    if (type != NULL) {
        (*env)->ThrowNew(env, type, message);
    }
}

/* For calls that return a pointer and set errno. */
static jlong made(JNIEnv *env, const char *call, const void *pointer) {
    if (pointer == NULL) {
        fail(env, call, errno);
    }
    return NUMBER(pointer);
}

/* For calls of librdmacm, which return -1 and set errno. */
static void done(JNIEnv *env, const char *call, int result) {
    if (result != 0) {
        fail(env, call, errno);
    }
}

/* Waits until a descriptor is readable; a negative time waits without end. */
static int readable(int descriptor, int milliseconds) {
    struct pollfd request = {.fd = descriptor, .events = POLLIN};
    int ready;
    do {
        ready = poll(&request, 1, milliseconds);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* --- connections ------------------------------------------------------------------------------------------------- */

NATIVE(jlong, createEventChannel)(JNIEnv *env, jobject self) {
    (void) self;
    return made(env, "rdma_create_event_channel", rdma_create_event_channel());
}

NATIVE(jlong, createId)(JNIEnv *env, jobject self, jlong channel, jshort space) {
    (void) self;
    struct rdma_cm_id *id = NULL;
    done(env, "rdma_create_id",
         rdma_create_id(POINTER(struct rdma_event_channel, channel), &id, NULL, (enum rdma_port_space) space));
    return NUMBER(id);
}

NATIVE(jlong, createQP)(JNIEnv *env, jobject self, jlong id, jlong domain, jlong sends, jlong receives, jint type,
                        jint send_requests, jint receive_requests, jint inline_bytes) {
    (void) self;
    struct rdma_cm_id *owner = POINTER(struct rdma_cm_id, id);
    struct ibv_qp_init_attr attributes = {
        .send_cq = POINTER(struct ibv_cq, sends),
        .recv_cq = POINTER(struct ibv_cq, receives),
        .cap = {.max_send_wr = (uint32_t) send_requests,
                .max_recv_wr = (uint32_t) receive_requests,
                .max_send_sge = SEGMENTS,
                .max_recv_sge = SEGMENTS,
                .max_inline_data = (uint32_t) inline_bytes},
        .qp_type = (enum ibv_qp_type) type,
    };
    if (rdma_create_qp(owner, POINTER(struct ibv_pd, domain), &attributes) != 0) {
        fail(env, "rdma_create_qp", errno);
        return 0;
    }
    return NUMBER(owner->qp);
}

NATIVE(void, bindAddr)(JNIEnv *env, jobject self, jlong id, jlong address) {
    (void) self;
    done(env, "rdma_bind_addr", rdma_bind_addr(POINTER(struct rdma_cm_id, id), POINTER(struct sockaddr, address)));
}

NATIVE(void, listen)(JNIEnv *env, jobject self, jlong id, jint backlog) {
    (void) self;
    done(env, "rdma_listen", rdma_listen(POINTER(struct rdma_cm_id, id), backlog));
}

NATIVE(void, resolveAddr)(JNIEnv *env, jobject self, jlong id, jlong source, jlong destination, jint milliseconds) {
    (void) self;
    done(env, "rdma_resolve_addr",
         rdma_resolve_addr(POINTER(struct rdma_cm_id, id), POINTER(struct sockaddr, source),
                           POINTER(struct sockaddr, destination), milliseconds));
}

NATIVE(void, resolveRoute)(JNIEnv *env, jobject self, jlong id, jint milliseconds) {
    (void) self;
    done(env, "rdma_resolve_route", rdma_resolve_route(POINTER(struct rdma_cm_id, id), milliseconds));
}

/*
 * DiSNI acknowledges by the type of an event, which names none of those under way. So each is acknowledged here, as soon as
 * all that DiSNI reads of it has been copied.
 */
NATIVE(jint, getCmEvent)(JNIEnv *env, jobject self, jlong channel, jlong listener, jlong id, jint milliseconds) {
    (void) env;
    (void) self;
    struct rdma_event_channel *source = POINTER(struct rdma_event_channel, channel);
    struct rdma_cm_event *event;
    if (!readable(source->fd, milliseconds) || rdma_get_cm_event(source, &event) != 0) {
        return -1;
    }
    jint type = (jint) event->event;
    *POINTER(jlong, listener) = NUMBER(event->listen_id);
    *POINTER(jlong, id) = NUMBER(event->id);
    rdma_ack_cm_event(event);
    return type;
}

NATIVE(jint, ackCmEvent)(JNIEnv *env, jobject self, jint type) {
    (void) env;
    (void) self;
    (void) type;
    return 0;
}

static struct rdma_conn_param parameters(jint retries, jint not_ready_retries) {
    struct rdma_conn_param parameters = {
        .responder_resources = 16,
        .initiator_depth = 16,
        .retry_count = (uint8_t) retries,
        .rnr_retry_count = (uint8_t) not_ready_retries,
    };
    return parameters;
}

NATIVE(void, connect)(JNIEnv *env, jobject self, jlong id, jint retries, jint not_ready_retries, jlong data,
                      jbyte data_length) {
    (void) self;
    struct rdma_conn_param wanted = parameters(retries, not_ready_retries);
    wanted.private_data = POINTER(void, data);
    wanted.private_data_len = (uint8_t) data_length;
    done(env, "rdma_connect", rdma_connect(POINTER(struct rdma_cm_id, id), &wanted));
}

NATIVE(void, accept)(JNIEnv *env, jobject self, jlong id, jint retries, jint not_ready_retries) {
    (void) self;
    struct rdma_conn_param wanted = parameters(retries, not_ready_retries);
    done(env, "rdma_accept", rdma_accept(POINTER(struct rdma_cm_id, id), &wanted));
}

NATIVE(jint, disconnect)(JNIEnv *env, jobject self, jlong id) {
    (void) env;
    (void) self;
    return rdma_disconnect(POINTER(struct rdma_cm_id, id));
}

NATIVE(jint, destroyEventChannel)(JNIEnv *env, jobject self, jlong channel) {
    (void) env;
    (void) self;
    rdma_destroy_event_channel(POINTER(struct rdma_event_channel, channel));
    return 0;
}

NATIVE(jint, destroyCmId)(JNIEnv *env, jobject self, jlong id) {
    (void) env;
    (void) self;
    return rdma_destroy_id(POINTER(struct rdma_cm_id, id));
}

NATIVE(jint, destroyQP)(JNIEnv *env, jobject self, jlong id) {
    (void) env;
    (void) self;
    rdma_destroy_qp(POINTER(struct rdma_cm_id, id));
    return 0;
}

NATIVE(jint, destroyEp)(JNIEnv *env, jobject self, jlong id) {
    (void) env;
    (void) self;
    rdma_destroy_ep(POINTER(struct rdma_cm_id, id));
    return 0;
}

static jint copy_address(const struct sockaddr *from, jlong to) {
    if (from == NULL || from->sa_family != AF_INET) {
        return -1;
    }
    memcpy(POINTER(void, to), from, sizeof(struct sockaddr_in));
    return 0;
}

NATIVE(jint, getSrcAddr)(JNIEnv *env, jobject self, jlong id, jlong address) {
    (void) env;
    (void) self;
    return copy_address(rdma_get_local_addr(POINTER(struct rdma_cm_id, id)), address);
}

NATIVE(jint, getDstAddr)(JNIEnv *env, jobject self, jlong id, jlong address) {
    (void) env;
    (void) self;
    return copy_address(rdma_get_peer_addr(POINTER(struct rdma_cm_id, id)), address);
}

/* --- objects ----------------------------------------------------------------------------------------------------- */

NATIVE(jlong, getContext)(JNIEnv *env, jobject self, jlong id) {
    (void) self;
    errno = ENODEV;
    return made(env, "a connection without a device: bind or resolve its address first;",
                POINTER(struct rdma_cm_id, id)->verbs);
}

NATIVE(jint, getContextFd)(JNIEnv *env, jobject self, jlong context) {
    (void) env;
    (void) self;
    return POINTER(struct ibv_context, context)->cmd_fd;
}

NATIVE(jint, getContextNumCompVectors)(JNIEnv *env, jobject self, jlong context) {
    (void) env;
    (void) self;
    return POINTER(struct ibv_context, context)->num_comp_vectors;
}

NATIVE(jlong, allocPd)(JNIEnv *env, jobject self, jlong context) {
    (void) self;
    return made(env, "ibv_alloc_pd", ibv_alloc_pd(POINTER(struct ibv_context, context)));
}

NATIVE(jint, deallocPd)(JNIEnv *env, jobject self, jlong domain) {
    (void) env;
    (void) self;
    return -ibv_dealloc_pd(POINTER(struct ibv_pd, domain));
}

NATIVE(jint, getPdHandle)(JNIEnv *env, jobject self, jlong domain) {
    (void) env;
    (void) self;
    return (jint) POINTER(struct ibv_pd, domain)->handle;
}

NATIVE(jlong, createCompChannel)(JNIEnv *env, jobject self, jlong context) {
    (void) self;
    return made(env, "ibv_create_comp_channel", ibv_create_comp_channel(POINTER(struct ibv_context, context)));
}

NATIVE(jint, destroyCompChannel)(JNIEnv *env, jobject self, jlong channel) {
    (void) env;
    (void) self;
    return -ibv_destroy_comp_channel(POINTER(struct ibv_comp_channel, channel));
}

NATIVE(jlong, createCQ)(JNIEnv *env, jobject self, jlong context, jlong channel, jint entries, jint vector) {
    (void) self;
    return made(env, "ibv_create_cq",
                ibv_create_cq(POINTER(struct ibv_context, context), entries, NULL,
                              POINTER(struct ibv_comp_channel, channel), vector));
}

NATIVE(jint, destroyCQ)(JNIEnv *env, jobject self, jlong queue) {
    (void) env;
    (void) self;
    return -ibv_destroy_cq(POINTER(struct ibv_cq, queue));
}

/* DiSNI hands no attributes over, whatever its caller asked for: there is nothing to modify. */
NATIVE(jint, modifyQP)(JNIEnv *env, jobject self, jlong pair, jlong attributes) {
    (void) self;
    (void) pair;
    (void) attributes;
    fail(env, "modifyQP, to which DiSNI 2.1 hands no attributes,", ENOTSUP);
    return -1;
}

NATIVE(jint, getQpNum)(JNIEnv *env, jobject self, jlong pair) {
    (void) env;
    (void) self;
    return (jint) POINTER(struct ibv_qp, pair)->qp_num;
}

NATIVE(jlong, regMr)(JNIEnv *env, jobject self, jlong domain, jlong address, jint bytes, jint access, jlong local_key,
                     jlong remote_key, jlong handle) {
    (void) self;
    struct ibv_mr *region =
        ibv_reg_mr(POINTER(struct ibv_pd, domain), POINTER(void, address), (size_t) (uint32_t) bytes, access);
    if (region == NULL) {
        fail(env, "ibv_reg_mr", errno);
        return -1;
    }
    *POINTER(uint32_t, local_key) = region->lkey;
    *POINTER(uint32_t, remote_key) = region->rkey;
    *POINTER(uint32_t, handle) = region->handle;
    return NUMBER(region);
}

NATIVE(void, deregMr)(JNIEnv *env, jobject self, jlong region) {
    (void) self;
    int error = ibv_dereg_mr(POINTER(struct ibv_mr, region));
    if (error != 0) {
        fail(env, "ibv_dereg_mr", error);
    }
}

/* On-demand paging was an extension of one vendor's library; here nothing supports it. */
NATIVE(jint, queryOdpSupport)(JNIEnv *env, jobject self, jlong context) {
    (void) env;
    (void) self;
    (void) context;
    return -1;
}

NATIVE(jint, expPrefetchMr)(JNIEnv *env, jobject self, jlong region, jlong address, jint bytes) {
    (void) self;
    (void) region;
    (void) address;
    (void) bytes;
    fail(env, "expPrefetchMr", ENOTSUP);
    return -1;
}

/* --- posting and polling ----------------------------------------------------------------------------------------- */

NATIVE(void, postSend)(JNIEnv *env, jobject self, jlong pair, jlong requests) {
    (void) self;
    struct ibv_send_wr *bad;
    int error = ibv_post_send(POINTER(struct ibv_qp, pair), POINTER(struct ibv_send_wr, requests), &bad);
    if (error != 0) {
        fail(env, "ibv_post_send", error);
    }
}

NATIVE(void, postRecv)(JNIEnv *env, jobject self, jlong pair, jlong requests) {
    (void) self;
    struct ibv_recv_wr *bad;
    int error = ibv_post_recv(POINTER(struct ibv_qp, pair), POINTER(struct ibv_recv_wr, requests), &bad);
    if (error != 0) {
        fail(env, "ibv_post_recv", error);
    }
}

NATIVE(jint, pollCQ)(JNIEnv *env, jobject self, jlong queue, jint entries, jlong completions) {
    (void) env;
    (void) self;
    return ibv_poll_cq(POINTER(struct ibv_cq, queue), entries, POINTER(struct ibv_wc, completions));
}

NATIVE(jint, reqNotifyCQ)(JNIEnv *env, jobject self, jlong queue, jint solicited_only) {
    (void) self;
    int error = ibv_req_notify_cq(POINTER(struct ibv_cq, queue), solicited_only);
    if (error != 0) {
        fail(env, "ibv_req_notify_cq", error);
    }
    return -error;
}

NATIVE(jint, getCqEvent)(JNIEnv *env, jobject self, jlong channel, jint milliseconds) {
    (void) env;
    (void) self;
    struct ibv_comp_channel *source = POINTER(struct ibv_comp_channel, channel);
    struct ibv_cq *queue;
    void *unused;
    if (!readable(source->fd, milliseconds)) {
        return -1;
    }
    return ibv_get_cq_event(source, &queue, &unused);
}

NATIVE(jint, ackCqEvent)(JNIEnv *env, jobject self, jlong queue, jint events) {
    (void) env;
    (void) self;
    ibv_ack_cq_events(POINTER(struct ibv_cq, queue), (unsigned int) events);
    return 0;
}

/* --- what DiSNI compares with its own layouts -------------------------------------------------------------------- */

NATIVE(jint, getVersion)(JNIEnv *env, jobject self) {
    (void) env;
    (void) self;
    return INTERFACE_VERSION;
}

NATIVE(jint, getSockAddrInSize)(JNIEnv *env, jobject self) {
    (void) env;
    (void) self;
    return sizeof(struct sockaddr_in);
}

NATIVE(jint, getIbvRecvWRSize)(JNIEnv *env, jobject self) {
    (void) env;
    (void) self;
    return sizeof(struct ibv_recv_wr);
}

NATIVE(jint, getIbvSendWRSize)(JNIEnv *env, jobject self) {
    (void) env;
    (void) self;
    return sizeof(struct ibv_send_wr);
}

NATIVE(jint, getIbvSgeSize)(JNIEnv *env, jobject self) {
    (void) env;
    (void) self;
    return sizeof(struct ibv_sge);
}

NATIVE(jint, getIbvWCSize)(JNIEnv *env, jobject self) {
    (void) env;
    (void) self;
    return sizeof(struct ibv_wc);
}

NATIVE(jint, getRemoteAddressOffset)(JNIEnv *env, jobject self) {
    (void) env;
    (void) self;
    return offsetof(struct ibv_send_wr, wr.rdma.remote_addr);
}

NATIVE(jint, getRKeyOffset)(JNIEnv *env, jobject self) {
    (void) env;
    (void) self;
    return offsetof(struct ibv_send_wr, wr.rdma.rkey);
}
