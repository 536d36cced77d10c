/**
 * OpenCL devices: the ICD loader, called through the foreign function interface.
 *
 * <p>The names are those of the OpenCL API. {@link io.kvwire.ffi.opencl.OpenClLibrary} says whether
 * there are devices; a {@link io.kvwire.ffi.opencl.Context} of one device makes buffers, programs
 * and queues. Commands are enqueued and go on by themselves; each gives an {@link
 * io.kvwire.ffi.opencl.Event}, on which later commands and the host wait. {@link
 * io.kvwire.ffi.opencl.RowMover} moves rows of a paged KV cache by the kernels of {@link
 * io.kvwire.ffi.kernels}.
 *
 * <p>Everything that fails throws {@link io.kvwire.transport.TransferException} with the call, the
 * error's name and what to do. Objects are closed in the reverse order of their making, and not
 * while another thread uses them; OpenCL itself keeps memory until the commands that use it are
 * done.
 */
package io.kvwire.ffi.opencl;
