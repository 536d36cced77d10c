package io.kvwire.ffi.cuda;

/**
 * Rows that no scale fits, in memory of a device.
 *
 * @param count how many, at least 1
 * @param list their numbers, ascending, 4 bytes each
 * @param auxiliary for each its bytes behind the first {@code headDim}
 */
public record UnscaledRows(int count, AddressRange list, AddressRange auxiliary) {}
