package io.kvwire.ffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;

class NativeLibraryTest {

    @Test
    void aLibraryThatIsNotThereIsAReasonThatNamesEveryFileTried() {
        var library = NativeLibrary.open("libno-such-thing.so.7", "libno-such-thing.so");
        assertFalse(library.isPresent());
        assertTrue(library.reason().contains("libno-such-thing.so.7"), library::reason);
        assertTrue(library.reason().contains("libno-such-thing.so:"), library::reason);
        assertTrue(library.reason().contains("No such file"), library::reason);
        assertFalse(library.has("anything"));
    }

    @Test
    void aFunctionOfAnAbsentLibraryIsRefusedWithTheReason() {
        var library = NativeLibrary.open("libno-such-thing.so.7");
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> library.function("f", FunctionDescriptor.ofVoid()));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, failure.code());
        assertEquals(library.reason(), failure.getMessage());
    }

    @Test
    void theSecondNameIsTriedWhenTheFirstIsAbsent() {
        var library = NativeLibrary.open("libno-such-thing.so.7", "libc.so.6");
        assertTrue(library.isPresent());
        assertEquals("libc.so.6", library.name());
        assertEquals("", library.reason());
    }

    @Test
    void aMissingFunctionOfAPresentLibraryNamesBoth() {
        var library = NativeLibrary.open("libc.so.6");
        assertTrue(library.optionalFunction("no_such_f", FunctionDescriptor.ofVoid()).isEmpty());
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> library.function("no_such_f", FunctionDescriptor.ofVoid()));
        assertTrue(failure.getMessage().contains("libc.so.6"), failure::getMessage);
        assertTrue(failure.getMessage().contains("no_such_f"), failure::getMessage);
    }

    @Test
    void aFunctionIsCalled() throws Throwable {
        var length =
                NativeLibrary.ofC().function("strlen", FunctionDescriptor.of(JAVA_LONG, ADDRESS));
        try (var arena = Arena.ofConfined()) {
            assertEquals(5L, (long) length.invokeExact(arena.allocateFrom("verbs")));
        }
    }

    @Test
    void errnoIsCapturedAndNamed() throws Throwable {
        var close =
                NativeLibrary.ofC()
                        .function(
                                "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), Errno.CAPTURE);
        try (var arena = Arena.ofConfined()) {
            var state = Errno.allocate(arena);
            assertEquals(-1, (int) close.invokeExact(state, -1));
            assertEquals(9, Errno.of(state));
        }
        assertEquals("Bad file descriptor (errno 9)", Errno.describe(9));
    }

    @Test
    void aFailureSaysWhatAndWhyAndWhatToDo() {
        var failure = Errno.failure("ibv_reg_mr of 64 bytes", Errno.ENOMEM, "Raise ulimit -l.");
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, failure.code());
        assertEquals(
                "ibv_reg_mr of 64 bytes failed: Cannot allocate memory (errno 12). Raise ulimit"
                        + " -l.",
                failure.getMessage());
    }
}
