/**
 * Level Zero through its loader: devices, memory, immediate command lists, modules from SPIR-V, and
 * memory that other processes and devices are handed, by IPC handle or as a dma-buf.
 *
 * <p>Begin at {@link io.kvwire.ffi.levelzero.LevelZero}. Nothing is loaded before it is asked; a
 * loader or a driver that is not there is a reason, not an error. Errors are {@link
 * io.kvwire.transport.TransferException}, with the name that {@code ze_api.h} gives them and what
 * to do.
 *
 * <p>Held to a compiled probe of the headers and to a simulated driver that checks what it is
 * called with; it has not run on a device yet.
 */
package io.kvwire.ffi.levelzero;
