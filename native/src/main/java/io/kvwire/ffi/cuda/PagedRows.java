package io.kvwire.ffi.cuda;

import io.kvwire.ffi.kernels.KvRows;

/**
 * Rows of a paged cache in memory of a device, with the request's block table there. Made by {@link
 * RowMover#paged}. The cache's memory stays the caller's and open while the device uses it.
 *
 * @param rows which
 * @param keys memory of K or of the latent
 * @param values memory of V; may be the same
 * @param table the block table; closed with this
 */
public record PagedRows(KvRows rows, AddressRange keys, AddressRange values, DeviceBuffer table)
        implements AutoCloseable {

    @Override
    public void close() {
        table.close();
    }
}
