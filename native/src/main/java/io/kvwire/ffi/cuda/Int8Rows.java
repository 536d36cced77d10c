package io.kvwire.ffi.cuda;

/**
 * Codes and scales in memory of a device, as in the sections of a frame.
 *
 * @param codes a byte for each element
 * @param scales an FP32 number for each row; +0 for a row that no scale fits
 * @param unscaled 4 bytes: after quantising, how many rows those are
 */
public record Int8Rows(AddressRange codes, AddressRange scales, AddressRange unscaled) {}
