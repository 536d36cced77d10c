package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SequenceLayout;

/** Locks that some verbs structs hold; only their sizes matter. */
final class Pthread {

    /** {@code pthread_mutex_t}, which the C library makes 40 bytes long, and 48 on ARM. */
    static final SequenceLayout MUTEX =
            MemoryLayout.sequenceLayout(
                    System.getProperty("os.arch").equals("aarch64") ? 6 : 5, JAVA_LONG);

    /** {@code pthread_cond_t}. */
    static final SequenceLayout COND = MemoryLayout.sequenceLayout(6, JAVA_LONG);

    private Pthread() {}
}
