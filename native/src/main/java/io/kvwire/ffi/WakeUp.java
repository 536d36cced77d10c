package io.kvwire.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Wakes a thread that waits for descriptors: a descriptor of its own ({@code eventfd}) that any
 * thread makes readable.
 *
 * <p>Thread-safe, except that {@link #close} must not run beside another call.
 */
public final class WakeUp implements AutoCloseable {

    private static final int EFD_NONBLOCK_CLOEXEC = 0x800 | 0x80000;

    // int eventfd(unsigned int initval, int flags)
    private static final MethodHandle EVENTFD =
            NativeLibrary.ofC()
                    .function(
                            "eventfd",
                            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT),
                            Errno.CAPTURE);

    // ssize_t write(int fd, const void *buf, size_t count)
    private static final MethodHandle WRITE =
            NativeLibrary.ofC()
                    .function(
                            "write",
                            FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));

    // ssize_t read(int fd, void *buf, size_t count)
    private static final MethodHandle READ =
            NativeLibrary.ofC()
                    .function(
                            "read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));

    // int close(int fd)
    private static final MethodHandle CLOSE =
            NativeLibrary.ofC().function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private final Arena arena = Arena.ofShared();
    private final MemorySegment one;
    private final MemorySegment count;
    private final int descriptor;
    private boolean closed;

    /**
     * Makes one.
     *
     * @throws io.kvwire.transport.TransferException when no more files can be open
     */
    public WakeUp() {
        one = arena.allocateFrom(JAVA_LONG, 1);
        count = arena.allocate(JAVA_LONG);
        try {
            var errno = Errno.allocate(arena);
            descriptor = (int) EVENTFD.invokeExact(errno, 0, EFD_NONBLOCK_CLOEXEC);
            if (descriptor < 0) {
                throw Errno.failure(
                        "eventfd", Errno.of(errno), "Check the limit of open files (ulimit -n)");
            }
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("eventfd throws nothing", e);
        }
    }

    /**
     * Takes over the descriptor of one that another process made and handed over.
     *
     * @param descriptor of an {@code eventfd} that does not block; closed with this object
     */
    public WakeUp(int descriptor) {
        one = arena.allocateFrom(JAVA_LONG, 1);
        count = arena.allocate(JAVA_LONG);
        this.descriptor = descriptor;
    }

    /** {@return the descriptor that is readable from a {@link #wake} to the next {@link #clear}} */
    public int descriptor() {
        return descriptor;
    }

    /** Wakes whoever waits, or ends the next wait at once. */
    public void wake() {
        transfer(WRITE, one);
    }

    /** Forgets all calls so far. */
    public void clear() {
        transfer(READ, count);
    }

    /** What it returns does not matter: a full or an empty counter is as good as any. */
    private void transfer(MethodHandle call, MemorySegment number) {
        try {
            var _ = (long) call.invokeExact(descriptor, number, (long) Long.BYTES);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("read and write throw nothing", e);
        }
    }

    /** Closes the descriptor. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            var _ = (int) CLOSE.invokeExact(descriptor);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("close throws nothing", e);
        } finally {
            arena.close();
        }
    }
}
