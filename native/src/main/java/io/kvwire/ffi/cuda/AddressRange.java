package io.kvwire.ffi.cuda;

/**
 * Addresses of device memory.
 *
 * @param start the first one
 * @param bytes how many
 */
public record AddressRange(long start, long bytes) {
    /**
     * {@return whether some addresses are all inside}
     *
     * @param address the first one
     * @param length how many, at least 0
     */
    public boolean contains(long address, long length) {
        long offset = address - start;
        return offset >= 0 && length >= 0 && length <= bytes && offset <= bytes - length;
    }
}
