package io.kvwire.transport;

/**
 * {@code count} pieces of {@code length} bytes: piece {@code i} goes from {@code sourceOffset + i *
 * sourceStride} to {@code targetOffset + i * targetStride}. For a WRITE the source is local, for a
 * READ it is remote.
 *
 * @param sourceOffset first byte at the source
 * @param sourceStride bytes between pieces at the source
 * @param targetOffset first byte at the target
 * @param targetStride bytes between pieces at the target
 * @param length bytes of one piece
 * @param count number of pieces
 */
public record StridedCopy(
        long sourceOffset,
        long sourceStride,
        long targetOffset,
        long targetStride,
        long length,
        int count) {

    /**
     * {@return a copy of one contiguous piece}
     *
     * @param sourceOffset first byte at the source
     * @param targetOffset first byte at the target
     * @param length in bytes
     */
    public static StridedCopy contiguous(long sourceOffset, long targetOffset, long length) {
        return new StridedCopy(sourceOffset, length, targetOffset, length, length, 1);
    }

    /** {@return the bytes that this copy moves} */
    public long bytes() {
        return length * count;
    }
}
