package io.kvwire.ffi.verbs;

import io.kvwire.ffi.Errno;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The three ways in which a verbs function says that it failed. For calls that set up and take
 * down; nothing here is meant for posting and polling.
 */
final class Calls {

    private Calls() {}

    /** A call that returns a pointer, and {@code NULL} with {@code errno} when it fails. */
    @FunctionalInterface
    interface PointerCall {
        MemorySegment invoke(MemorySegment errno) throws Throwable;
    }

    /** A call that returns an {@code int} and captures {@code errno}. */
    @FunctionalInterface
    interface IntCall {
        int invoke(MemorySegment errno) throws Throwable;
    }

    /** A call that returns zero or the error number itself. */
    @FunctionalInterface
    interface StatusCall {
        int invoke() throws Throwable;
    }

    /**
     * A call that returns nothing and cannot fail. As a lambda it needs a block: the type of an
     * exact invocation that is not a statement would be {@code Object}.
     */
    @FunctionalInterface
    interface VoidCall {
        void invoke() throws Throwable;
    }

    static MemorySegment pointer(String what, String advice, PointerCall call) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var result = call.invoke(errno);
            if (result.equals(MemorySegment.NULL)) {
                throw Errno.failure(what, Errno.of(errno), advice);
            }
            return result;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(what + " throws nothing", e);
        }
    }

    /** Calls what returns a negative number and sets {@code errno} when it fails. */
    static int count(String what, String advice, IntCall call) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            int result = call.invoke(errno);
            if (result < 0) {
                throw Errno.failure(what, Errno.of(errno), advice);
            }
            return result;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(what + " throws nothing", e);
        }
    }

    static void status(String what, String advice, StatusCall call) {
        int status;
        try {
            status = call.invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(what + " throws nothing", e);
        }
        if (status != 0) {
            throw Errno.failure(what, Math.abs(status), advice);
        }
    }

    static void run(VoidCall call) {
        try {
            call.invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a C function throws nothing", e);
        }
    }

    /** A call that returns a count, or an error number negated. */
    @FunctionalInterface
    interface LongCall {
        long invoke() throws Throwable;
    }

    static long countOrNegative(String what, LongCall call) {
        long result;
        try {
            result = call.invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(what + " throws nothing", e);
        }
        if (result < 0) {
            throw Errno.failure(what, (int) -result, "");
        }
        return result;
    }

    /** Like {@link #count}, but a negative number is returned where there was nothing to get. */
    static int tryCount(String what, IntCall call) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            int result = call.invoke(errno);
            if (result < 0 && Errno.of(errno) != Errno.EAGAIN && Errno.of(errno) != Errno.EINTR) {
                throw Errno.failure(what, Errno.of(errno), "");
            }
            return result;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(what + " throws nothing", e);
        }
    }
}
