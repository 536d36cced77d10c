package io.kvwire.ffi.linux;

import io.kvwire.ffi.Errno;

import java.lang.foreign.Arena;

/** What is done to any descriptor. Thread-safe. */
public final class Descriptors {

    private Descriptors() {}

    /**
     * Closes descriptors, whatever they are.
     *
     * @param descriptors open ones, each closed once
     */
    public static void close(int... descriptors) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            for (int descriptor : descriptors) {
                // Linux frees the descriptor whatever this returns.
                var _ = (int) Libc.CLOSE.invokeExact(errno, descriptor);
            }
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }
}
