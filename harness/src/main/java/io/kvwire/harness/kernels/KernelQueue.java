package io.kvwire.harness.kernels;

import java.lang.foreign.MemorySegment;

/**
 * What the model asks of a device: memory, kernels of {@code llama.h}, and a queue that works in
 * order. Confined to one thread at a time. Whoever makes it closes it, after the kernels.
 *
 * @param <B> the device's buffers
 */
public interface KernelQueue<B> extends AutoCloseable {
    /** Rows of activations that share a load of a weight; as in {@code llama.h}. */
    int ROWS = 4;

    /**
     * {@return memory with any content, for {@link #free}}
     *
     * @param bytes at least 1
     */
    B allocate(long bytes);

    /**
     * Frees a buffer that no work uses any more.
     *
     * @param buffer of {@link #allocate}
     */
    void free(B buffer);

    /**
     * {@return a kernel of {@code llama.h}, which the caller closes}
     *
     * @param name as there
     */
    Launcher<B> kernel(String name);

    /** {@return how many neighbouring results a thread makes, as the kernels were compiled} */
    int wide();

    /**
     * {@return where memory of the device that the KV cache is in lies}
     *
     * @param memory a segment of the device
     */
    Place<B> find(MemorySegment memory);

    /**
     * Copies memory of the host, which stays as it is until {@link #finish}, to a buffer.
     *
     * @param source native
     * @param target at least as long
     */
    void write(MemorySegment source, B target);

    /**
     * Copies the start of a buffer to memory of the host, where it is after {@link #finish}.
     *
     * @param source at least as long
     * @param target native
     */
    void read(B source, MemorySegment target);

    /**
     * {@return a mark behind the last launch, which the caller closes; there is a launch between
     * two marks}
     */
    Mark mark();

    /** Has the device begin with what it was given, if it waits for more. */
    void flush();

    /** Waits until all is done. */
    void finish();

    @Override
    void close();

    /**
     * Memory of the KV cache.
     *
     * @param buffer that it is in
     * @param offset in the buffer, in bytes
     * @param <B> the device's buffers
     */
    record Place<B>(B buffer, long offset) {}

    /** A point in the queue. */
    interface Mark extends AutoCloseable {
        /** Waits until the device has come past it. */
        void await();

        @Override
        void close();
    }

    /**
     * One kernel: its arguments by number, then a launch in the order of the queue.
     *
     * @param <B> the device's buffers
     */
    interface Launcher<B> extends AutoCloseable {
        /**
         * Sets an argument that is memory.
         *
         * @param index from 0
         * @param buffer of the device
         */
        void memory(int index, B buffer);

        /**
         * Sets an argument that is passed by value.
         *
         * @param index from 0
         * @param value its bytes, outside the heap; copied
         */
        void value(int index, MemorySegment value);

        /**
         * Launches it.
         *
         * @param groups of {@code KvRows.THREADS_OF_GROUP} threads
         */
        void launch(long groups);

        @Override
        void close();
    }
}
