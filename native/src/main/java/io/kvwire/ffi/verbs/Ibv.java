package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.Errno;
import io.kvwire.ffi.NativeLibrary;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The functions that libibverbs exports. To be touched only where {@link VerbsLibrary} is present.
 *
 * <p>Looked up without a version, which gives each symbol's newest: {@code IBVERBS_1.1} for those
 * that exist twice.
 */
final class Ibv {

    private static final NativeLibrary LIBRARY = VerbsLibrary.ibverbs();

    // struct ibv_device **ibv_get_device_list(int *num_devices)
    static final MethodHandle GET_DEVICE_LIST = pointer("ibv_get_device_list", ADDRESS);

    // void ibv_free_device_list(struct ibv_device **list)
    static final MethodHandle FREE_DEVICE_LIST = nothing("ibv_free_device_list", ADDRESS);

    // __be64 ibv_get_device_guid(struct ibv_device *device)
    static final MethodHandle GET_DEVICE_GUID =
            LIBRARY.function("ibv_get_device_guid", FunctionDescriptor.of(JAVA_LONG, ADDRESS));

    // struct ibv_context *ibv_open_device(struct ibv_device *device)
    static final MethodHandle OPEN_DEVICE = pointer("ibv_open_device", ADDRESS);

    // int ibv_close_device(struct ibv_context *context)
    static final MethodHandle CLOSE_DEVICE = count("ibv_close_device", ADDRESS);

    // int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *device_attr)
    static final MethodHandle QUERY_DEVICE = status("ibv_query_device", ADDRESS, ADDRESS);

    // int ibv_query_port(struct ibv_context *context, uint8_t port_num,
    //                    struct _compat_ibv_port_attr *port_attr)
    static final MethodHandle QUERY_PORT = status("ibv_query_port", ADDRESS, JAVA_BYTE, ADDRESS);

    // ssize_t _ibv_query_gid_table(struct ibv_context *context, struct ibv_gid_entry *entries,
    //                              size_t max_entries, uint32_t flags, size_t entry_size)
    static final Optional<MethodHandle> QUERY_GID_TABLE =
            LIBRARY.optionalFunction(
                    "_ibv_query_gid_table",
                    FunctionDescriptor.of(
                            JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_LONG));

    // int ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
    static final MethodHandle GET_ASYNC_EVENT = count("ibv_get_async_event", ADDRESS, ADDRESS);

    // void ibv_ack_async_event(struct ibv_async_event *event)
    static final MethodHandle ACK_ASYNC_EVENT = nothing("ibv_ack_async_event", ADDRESS);

    // struct ibv_pd *ibv_alloc_pd(struct ibv_context *context)
    static final MethodHandle ALLOC_PD = pointer("ibv_alloc_pd", ADDRESS);

    // int ibv_dealloc_pd(struct ibv_pd *pd)
    static final MethodHandle DEALLOC_PD = status("ibv_dealloc_pd", ADDRESS);

    // struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access)
    static final MethodHandle REG_MR =
            pointer("ibv_reg_mr", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT);

    // struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
    //                                 unsigned int access)
    static final Optional<MethodHandle> REG_MR_IOVA2 =
            LIBRARY.optionalFunction(
                    "ibv_reg_mr_iova2",
                    FunctionDescriptor.of(
                            ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT),
                    Errno.CAPTURE);

    // struct ibv_mr *ibv_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t length,
    //                                  uint64_t iova, int fd, int access)
    static final Optional<MethodHandle> REG_DMABUF_MR =
            LIBRARY.optionalFunction(
                    "ibv_reg_dmabuf_mr",
                    FunctionDescriptor.of(
                            ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT),
                    Errno.CAPTURE);

    // int ibv_dereg_mr(struct ibv_mr *mr)
    static final MethodHandle DEREG_MR = status("ibv_dereg_mr", ADDRESS);

    // struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *context)
    static final MethodHandle CREATE_COMP_CHANNEL = pointer("ibv_create_comp_channel", ADDRESS);

    // int ibv_destroy_comp_channel(struct ibv_comp_channel *channel)
    static final MethodHandle DESTROY_COMP_CHANNEL = status("ibv_destroy_comp_channel", ADDRESS);

    // struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context,
    //                              struct ibv_comp_channel *channel, int comp_vector)
    static final MethodHandle CREATE_CQ =
            pointer("ibv_create_cq", ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);

    // int ibv_destroy_cq(struct ibv_cq *cq)
    static final MethodHandle DESTROY_CQ = status("ibv_destroy_cq", ADDRESS);

    // int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq,
    //                      void **cq_context)
    static final MethodHandle GET_CQ_EVENT = count("ibv_get_cq_event", ADDRESS, ADDRESS, ADDRESS);

    // void ibv_ack_cq_events(struct ibv_cq *cq, unsigned int nevents)
    static final MethodHandle ACK_CQ_EVENTS = nothing("ibv_ack_cq_events", ADDRESS, JAVA_INT);

    // struct ibv_srq *ibv_create_srq(struct ibv_pd *pd, struct ibv_srq_init_attr *srq_init_attr)
    static final MethodHandle CREATE_SRQ = pointer("ibv_create_srq", ADDRESS, ADDRESS);

    // int ibv_destroy_srq(struct ibv_srq *srq)
    static final MethodHandle DESTROY_SRQ = status("ibv_destroy_srq", ADDRESS);

    // struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *qp_init_attr)
    static final MethodHandle CREATE_QP = pointer("ibv_create_qp", ADDRESS, ADDRESS);

    // int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask)
    static final MethodHandle MODIFY_QP = status("ibv_modify_qp", ADDRESS, ADDRESS, JAVA_INT);

    // int ibv_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask,
    //                  struct ibv_qp_init_attr *init_attr)
    static final MethodHandle QUERY_QP =
            status("ibv_query_qp", ADDRESS, ADDRESS, JAVA_INT, ADDRESS);

    // int ibv_destroy_qp(struct ibv_qp *qp)
    static final MethodHandle DESTROY_QP = status("ibv_destroy_qp", ADDRESS);

    private Ibv() {}

    /** A function that returns a pointer and sets {@code errno}. */
    private static MethodHandle pointer(String name, MemoryLayout... parameters) {
        return LIBRARY.function(name, FunctionDescriptor.of(ADDRESS, parameters), Errno.CAPTURE);
    }

    /** A function that returns a negative number when it fails and sets {@code errno}. */
    private static MethodHandle count(String name, MemoryLayout... parameters) {
        return LIBRARY.function(name, FunctionDescriptor.of(JAVA_INT, parameters), Errno.CAPTURE);
    }

    /** A function that returns zero or an error number. */
    private static MethodHandle status(String name, MemoryLayout... parameters) {
        return LIBRARY.function(name, FunctionDescriptor.of(JAVA_INT, parameters));
    }

    private static MethodHandle nothing(String name, MemoryLayout... parameters) {
        return LIBRARY.function(name, FunctionDescriptor.ofVoid(parameters));
    }
}
