package io.kvwire.harness.xpu;

import java.lang.foreign.MemorySegment;

/**
 * What the model needs of a driver: memory, copies and launches of {@code llama.h}, in the order in
 * which they are given. Confined to one thread at a time.
 */
interface Engine extends AutoCloseable {

    /** Memory of the device. */
    interface Memory extends AutoCloseable {
        long bytes();

        @Override
        void close();
    }

    /** A kernel and its arguments, which stay as set. */
    interface Function extends AutoCloseable {
        void argument(int index, Memory memory);

        /** Sets an argument that is passed by value. */
        void argument(int index, MemorySegment value);

        @Override
        void close();
    }

    /** The end of a command. */
    interface Mark extends AutoCloseable {
        void await();

        @Override
        void close();
    }

    /** Where a segment of a cache lies. */
    record Place(Memory memory, long offset) {}

    Memory memory(long bytes);

    Function function(String name);

    /** Finds memory of a cache. */
    Place find(MemorySegment segment);

    /** Copies to the start of memory; the source stays as it is until {@link #finish}. */
    void write(MemorySegment source, Memory target);

    /** Copies from the start of memory; the target is filled after {@link #finish}. */
    void read(Memory source, MemorySegment target);

    /** Launches groups of {@link io.kvwire.ffi.kernels.KvRows#THREADS_OF_GROUP} threads. */
    Mark launch(Function function, long groups);

    /** Lets the device begin with what it was given. */
    void flush();

    /** Waits for all that was given. */
    void finish();

    /** {@return the outputs of one thread, with which the kernels were compiled} */
    int wide();

    @Override
    void close();
}
