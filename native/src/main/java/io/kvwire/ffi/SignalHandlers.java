package io.kvwire.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.function.Supplier;

/**
 * Keeps the handlers of this process's signals through calls into a driver.
 *
 * <p>LLVM, the compiler in OpenCL drivers for processors, installs handlers of its own the first
 * time it runs, and takes every SIGSEGV of the process for a crash. The JVM lives on such signals
 * (safepoints, null checks), so that the process would end at one of them: Intel's driver raises
 * the signal once more, from where the JVM cannot make sense of it. After the call the JVM has its
 * handlers again. While it lasts it has not; a process that is started with {@code
 * LD_PRELOAD=$JAVA_HOME/lib/libjsig.so} has no such gap.
 *
 * <p>Thread-safe: one call at a time.
 */
public final class SignalHandlers {
    private static final int SIGNALS = 31;

    /** More than any {@code struct sigaction} has; each begins with its handler. */
    private static final long ACTION_BYTES = 256;

    // int sigaction(int signum, const struct sigaction *act, struct sigaction *oldact)
    private static final MethodHandle SIGACTION =
            NativeLibrary.ofC()
                    .function(
                            "sigaction",
                            FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

    private SignalHandlers() {}

    /**
     * Makes a call, after which every signal has the handler again that it had before.
     *
     * @param <T> what the call gives
     * @param call that may install handlers
     * @return what it gave
     */
    public static synchronized <T> T keeping(Supplier<T> call) {
        try (var arena = Arena.ofConfined()) {
            var before = arena.allocate(ACTION_BYTES * (SIGNALS + 1), Long.BYTES);
            for (int signal = 1; signal <= SIGNALS; signal++) {
                action(signal, MemorySegment.NULL, of(before, signal));
            }
            try {
                return call.get();
            } finally {
                var now = arena.allocate(ACTION_BYTES, Long.BYTES);
                for (int signal = 1; signal <= SIGNALS; signal++) {
                    restore(signal, of(before, signal), now);
                }
            }
        }
    }

    private static void restore(int signal, MemorySegment before, MemorySegment now) {
        action(signal, MemorySegment.NULL, now);
        if (now.get(JAVA_LONG, 0) != before.get(JAVA_LONG, 0)) {
            action(signal, before, MemorySegment.NULL);
        }
    }

    private static MemorySegment of(MemorySegment actions, int signal) {
        return actions.asSlice(signal * ACTION_BYTES, ACTION_BYTES);
    }

    private static void action(int signal, MemorySegment next, MemorySegment last) {
        try {
            var _ = (int) SIGACTION.invokeExact(signal, next, last);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("sigaction throws nothing", e);
        }
    }
}
