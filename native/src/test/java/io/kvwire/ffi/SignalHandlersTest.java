package io.kvwire.ffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

class SignalHandlersTest {
    private static final int SIGSEGV = 11;
    private static final int SIGUNUSED = 30; // SIGPWR, which the JVM leaves alone
    private static final long IGNORE = 1;

    private static final MethodHandle SIGNAL =
            NativeLibrary.ofC()
                    .function("signal", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG));
    private static final MethodHandle SIGACTION =
            NativeLibrary.ofC()
                    .function(
                            "sigaction",
                            FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

    @Test
    void aHandlerThatADriverInstallsIsGoneAfterTheCall() {
        long jvm = handler(SIGSEGV);
        assertNotEquals(0, jvm, "the JVM handles SIGSEGV");
        var given =
                SignalHandlers.keeping(() -> {
                    ignore(SIGUNUSED);
                    return handler(SIGUNUSED);
                });
        assertEquals(IGNORE, given);
        assertEquals(0, handler(SIGUNUSED));
        assertEquals(jvm, handler(SIGSEGV));
    }

    @Test
    void alsoWhenTheCallFails() {
        var failure = new IllegalStateException("the driver's");
        assertSame(
                failure,
                assertThrows(
                        IllegalStateException.class,
                        () ->
                                SignalHandlers.keeping(() -> {
                                    ignore(SIGUNUSED);
                                    throw failure;
                                })));
        assertEquals(0, handler(SIGUNUSED));
    }

    private static void ignore(int signal) {
        try {
            var _ = (long) SIGNAL.invokeExact(signal, IGNORE);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static long handler(int signal) {
        try (var arena = Arena.ofConfined()) {
            var action = arena.allocate(256, 8);
            assertEquals(0, (int) SIGACTION.invokeExact(signal, MemorySegment.NULL, action));
            return action.get(JAVA_LONG, 0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
