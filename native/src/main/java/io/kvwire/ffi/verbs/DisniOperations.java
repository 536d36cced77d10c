package io.kvwire.ffi.verbs;

import io.kvwire.ffi.Errno;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.regex.Pattern;

/**
 * {@link Operations} through DiSNI's {@code NativeDispatcher}, which takes the addresses of the
 * same C structs. To be touched only where {@link Disni} is present.
 */
final class DisniOperations extends Operations {

    // public native void _postSend(long qp, long requests) throws IOException
    private static final MethodHandle POST_SEND =
            method("_postSend", void.class, long.class, long.class);

    // public native void _postRecv(long qp, long requests) throws IOException
    private static final MethodHandle POST_RECV =
            method("_postRecv", void.class, long.class, long.class);

    // public native int _pollCQ(long cq, int entries, long completions) throws IOException
    private static final MethodHandle POLL_CQ =
            method("_pollCQ", int.class, long.class, int.class, long.class);

    // public native int _reqNotifyCQ(long cq, int solicitedOnly) throws IOException
    private static final MethodHandle REQ_NOTIFY_CQ =
            method("_reqNotifyCQ", int.class, long.class, int.class);

    private static final Pattern ERRNO = Pattern.compile("\\(errno (\\d+)\\)");

    DisniOperations(MemorySegment context, CallMode mode) {
        super(context, mode);
    }

    @Override
    int pollCq(long cq, int entries, long completions) {
        try {
            return (int) POLL_CQ.invokeExact(cq, entries, completions);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    @Override
    int postSend(long queuePair, long requests, long bad) {
        try {
            POST_SEND.invokeExact(queuePair, requests);
            return 0;
        } catch (IOException e) {
            Memory.putLong(bad, requests);
            return errno(e);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    @Override
    int postReceive(long queuePair, long requests, long bad) {
        try {
            POST_RECV.invokeExact(queuePair, requests);
            return 0;
        } catch (IOException e) {
            Memory.putLong(bad, requests);
            return errno(e);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    @Override
    int requestNotification(MemorySegment cq, int solicitedOnly) {
        try {
            return (int) REQ_NOTIFY_CQ.invokeExact(cq.address(), solicitedOnly);
        } catch (IOException e) {
            return errno(e);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return the number that our native half puts at the end of each message} */
    private static int errno(IOException e) {
        var matcher = ERRNO.matcher(String.valueOf(e.getMessage()));
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : Errno.EINVAL;
    }

    private static MethodHandle method(String name, Class<?> result, Class<?>... parameters) {
        var dispatcher = Disni.dispatcherObject();
        try {
            return MethodHandles.publicLookup()
                    .findVirtual(
                            dispatcher.getClass(), name, MethodType.methodType(result, parameters))
                    .bindTo(dispatcher);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("this is not DiSNI 2.1: no method " + name, e);
        }
    }
}
