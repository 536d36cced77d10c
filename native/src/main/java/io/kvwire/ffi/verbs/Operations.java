package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.Errno;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of a driver that {@code verbs.h} calls inline: read once from the context's table,
 * then called through handles that take the function's address.
 *
 * <p>Pointers are passed as {@code long}: no session is acquired and no slice made per call. Who
 * calls keeps the memory alive.
 *
 * <p>Each handle exists twice. A critical call leaves the thread in Java state, which saves a few
 * nanoseconds, and holds up the whole JVM for as long as it lasts: so only for drivers that neither
 * block nor make a system call there ({@link CallMode}).
 */
class Operations {

    // int (*poll_cq)(struct ibv_cq *cq, int num_entries, struct ibv_wc *wc)
    private static final FunctionDescriptor POLL_CQ_TYPE =
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG);

    // int (*post_send)(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad_wr)
    // int (*post_recv)(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad_wr)
    // int (*post_srq_recv)(struct ibv_srq *srq, struct ibv_recv_wr *wr,
    //                      struct ibv_recv_wr **bad_wr)
    private static final FunctionDescriptor POST_TYPE =
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private static final Linker.Option CRITICAL = Linker.Option.critical(false);

    private static final MethodHandle POLL_CQ = bind(POLL_CQ_TYPE);
    private static final MethodHandle POLL_CQ_CRITICAL = bind(POLL_CQ_TYPE, CRITICAL);
    private static final MethodHandle POST = bind(POST_TYPE);
    private static final MethodHandle POST_CRITICAL = bind(POST_TYPE, CRITICAL);

    // int (*req_notify_cq)(struct ibv_cq *cq, int solicited_only)
    private static final MethodHandle REQ_NOTIFY_CQ =
            bind(FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));

    // struct ibv_mw *(*alloc_mw)(struct ibv_pd *pd, enum ibv_mw_type type)
    private static final MethodHandle ALLOC_MW =
            bind(FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT), Errno.CAPTURE);

    // int (*dealloc_mw)(struct ibv_mw *mw)
    private static final MethodHandle DEALLOC_MW = bind(FunctionDescriptor.of(JAVA_INT, ADDRESS));

    private final CallMode mode;
    private final MemorySegment pollCq;
    private final MemorySegment requestNotifyCq;
    private final MemorySegment postSend;
    private final MemorySegment postReceive;
    private final MemorySegment postSharedReceive;
    private final MemorySegment allocateWindow;
    private final MemorySegment freeWindow;

    Operations(MemorySegment context, CallMode mode) {
        var table =
                CStruct.at(context, IbvContext.LAYOUT)
                        .asSlice(IbvContext.OPS, IbvContextOps.LAYOUT);
        this.mode = mode;
        pollCq = table.get(ADDRESS, IbvContextOps.POLL_CQ);
        requestNotifyCq = table.get(ADDRESS, IbvContextOps.REQ_NOTIFY_CQ);
        postSend = table.get(ADDRESS, IbvContextOps.POST_SEND);
        postReceive = table.get(ADDRESS, IbvContextOps.POST_RECV);
        postSharedReceive = table.get(ADDRESS, IbvContextOps.POST_SRQ_RECV);
        allocateWindow = table.get(ADDRESS, IbvContextOps.ALLOC_MW);
        freeWindow = table.get(ADDRESS, IbvContextOps.DEALLOC_MW);
    }

    int pollCq(long cq, int entries, long completions) {
        try {
            return mode.criticalPoll()
                    ? (int) POLL_CQ_CRITICAL.invokeExact(pollCq, cq, entries, completions)
                    : (int) POLL_CQ.invokeExact(pollCq, cq, entries, completions);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    int postSend(long queuePair, long requests, long bad) {
        try {
            return mode.criticalSend()
                    ? (int) POST_CRITICAL.invokeExact(postSend, queuePair, requests, bad)
                    : (int) POST.invokeExact(postSend, queuePair, requests, bad);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    int postReceive(long queuePair, long requests, long bad) {
        try {
            return mode.criticalReceive()
                    ? (int) POST_CRITICAL.invokeExact(postReceive, queuePair, requests, bad)
                    : (int) POST.invokeExact(postReceive, queuePair, requests, bad);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    int postSharedReceive(long queue, long requests, long bad) {
        try {
            return mode.criticalReceive()
                    ? (int) POST_CRITICAL.invokeExact(postSharedReceive, queue, requests, bad)
                    : (int) POST.invokeExact(postSharedReceive, queue, requests, bad);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Never critical: many drivers make a system call here. */
    int requestNotification(MemorySegment cq, int solicitedOnly) {
        try {
            return (int) REQ_NOTIFY_CQ.invokeExact(requestNotifyCq, cq, solicitedOnly);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    boolean hasMemoryWindows() {
        return !allocateWindow.equals(MemorySegment.NULL);
    }

    MemorySegment allocateWindow(MemorySegment errno, MemorySegment domain, int type)
            throws Throwable {
        return (MemorySegment) ALLOC_MW.invokeExact(allocateWindow, errno, domain, type);
    }

    int freeWindow(MemorySegment window) throws Throwable {
        return (int) DEALLOC_MW.invokeExact(freeWindow, window);
    }

    static RuntimeException unexpected(Throwable e) {
        if (e instanceof RuntimeException r) {
            return r;
        }
        throw e instanceof Error r ? r : new AssertionError("a C function throws nothing", e);
    }

    @SuppressWarnings("restricted") // what an ffi package is for
    private static MethodHandle bind(FunctionDescriptor type, Linker.Option... options) {
        return Linker.nativeLinker().downcallHandle(type, options);
    }
}
