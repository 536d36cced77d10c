package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.Errno;
import io.kvwire.ffi.NativeLibrary;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;

/**
 * The functions of librdmacm. To be touched only where {@link ConnectionManager} is present. All
 * that return an {@code int} return -1 and set {@code errno} when they fail.
 */
final class Rdma {

    private static final NativeLibrary LIBRARY = ConnectionManager.rdmacm();

    // struct rdma_event_channel *rdma_create_event_channel(void)
    static final MethodHandle CREATE_EVENT_CHANNEL =
            LIBRARY.function(
                    "rdma_create_event_channel", FunctionDescriptor.of(ADDRESS), Errno.CAPTURE);

    // void rdma_destroy_event_channel(struct rdma_event_channel *channel)
    static final MethodHandle DESTROY_EVENT_CHANNEL =
            LIBRARY.function("rdma_destroy_event_channel", FunctionDescriptor.ofVoid(ADDRESS));

    // int rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id,
    //                    void *context, enum rdma_port_space ps)
    static final MethodHandle CREATE_ID =
            call("rdma_create_id", ADDRESS, ADDRESS, ADDRESS, JAVA_INT);

    // int rdma_destroy_id(struct rdma_cm_id *id)
    static final MethodHandle DESTROY_ID = call("rdma_destroy_id", ADDRESS);

    // int rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *addr)
    static final MethodHandle BIND_ADDR = call("rdma_bind_addr", ADDRESS, ADDRESS);

    // int rdma_listen(struct rdma_cm_id *id, int backlog)
    static final MethodHandle LISTEN = call("rdma_listen", ADDRESS, JAVA_INT);

    // uint16_t rdma_get_src_port(struct rdma_cm_id *id), in network order
    static final MethodHandle GET_SRC_PORT =
            LIBRARY.function(
                    "rdma_get_src_port",
                    FunctionDescriptor.of(java.lang.foreign.ValueLayout.JAVA_SHORT, ADDRESS));

    // int rdma_resolve_addr(struct rdma_cm_id *id, struct sockaddr *src_addr,
    //                       struct sockaddr *dst_addr, int timeout_ms)
    static final MethodHandle RESOLVE_ADDR =
            call("rdma_resolve_addr", ADDRESS, ADDRESS, ADDRESS, JAVA_INT);

    // int rdma_resolve_route(struct rdma_cm_id *id, int timeout_ms)
    static final MethodHandle RESOLVE_ROUTE = call("rdma_resolve_route", ADDRESS, JAVA_INT);

    // int rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *conn_param)
    static final MethodHandle CONNECT = call("rdma_connect", ADDRESS, ADDRESS);

    // int rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *conn_param)
    static final MethodHandle ACCEPT = call("rdma_accept", ADDRESS, ADDRESS);

    // int rdma_establish(struct rdma_cm_id *id)
    static final MethodHandle ESTABLISH = call("rdma_establish", ADDRESS);

    // int rdma_reject(struct rdma_cm_id *id, const void *private_data, uint8_t private_data_len)
    static final MethodHandle REJECT = call("rdma_reject", ADDRESS, ADDRESS, JAVA_BYTE);

    // int rdma_disconnect(struct rdma_cm_id *id)
    static final MethodHandle DISCONNECT = call("rdma_disconnect", ADDRESS);

    // int rdma_init_qp_attr(struct rdma_cm_id *id, struct ibv_qp_attr *qp_attr,
    //                       int *qp_attr_mask)
    static final MethodHandle INIT_QP_ATTR = call("rdma_init_qp_attr", ADDRESS, ADDRESS, ADDRESS);

    // int rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event)
    static final MethodHandle GET_CM_EVENT = call("rdma_get_cm_event", ADDRESS, ADDRESS);

    // int rdma_ack_cm_event(struct rdma_cm_event *event)
    static final MethodHandle ACK_CM_EVENT = call("rdma_ack_cm_event", ADDRESS);

    private Rdma() {}

    private static MethodHandle call(String name, MemoryLayout... parameters) {
        return LIBRARY.function(name, FunctionDescriptor.of(JAVA_INT, parameters), Errno.CAPTURE);
    }
}
