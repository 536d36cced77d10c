package io.kvwire.pcie.lanes;

import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongFunction;

/**
 * A buffer that grows. The larger one is there before the former is freed: where there is no room
 * for it, the former stays as it was. Owns the buffer; confined to one thread at a time.
 *
 * @param <B> the device's buffers
 */
public final class Room<B> implements AutoCloseable {
    private final LongFunction<? extends B> allocate;
    private final Consumer<? super B> free;
    private Optional<B> buffer = Optional.empty();
    private long bytes;

    /**
     * Makes one without a buffer.
     *
     * @param allocate makes a buffer of so many bytes, at least 1
     * @param free frees one
     */
    public Room(LongFunction<? extends B> allocate, Consumer<? super B> free) {
        this.allocate = allocate;
        this.free = free;
    }

    /**
     * {@return the buffer, with any content; nothing uses what this returned before}
     *
     * @param wanted bytes that it has at least
     */
    public B atLeast(long wanted) {
        if (buffer.isEmpty() || bytes < wanted) {
            long most = Math.max(wanted, 1);
            B larger = allocate.apply(most);
            var former = buffer;
            buffer = Optional.of(larger);
            bytes = most;
            former.ifPresent(free);
        }
        return buffer.get();
    }

    @Override
    public void close() {
        buffer.ifPresent(free);
        buffer = Optional.empty();
    }
}
