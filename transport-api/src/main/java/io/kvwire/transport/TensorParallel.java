package io.kvwire.transport;

/**
 * The place of one process among those that share a model's heads.
 *
 * @param rank this process, from 0 to {@code size - 1}
 * @param size the number of processes, at least 1
 */
public record TensorParallel(int rank, int size) {
    /** A model that is not split. */
    public static final TensorParallel NONE = new TensorParallel(0, 1);

    /** Checks that the rank is one of the size. */
    public TensorParallel {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException(
                    "tensor-parallel rank " + rank + " of " + size + ": need 0 <= rank < size");
        }
    }
}
