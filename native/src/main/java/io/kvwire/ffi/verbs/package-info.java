/**
 * RDMA verbs: libibverbs and librdmacm, called through the foreign function interface.
 *
 * <p>The names are those of the verbs API. {@link io.kvwire.ffi.verbs.VerbsLibrary} says whether
 * there are devices and opens them; a {@link io.kvwire.ffi.verbs.Context} makes completion queues
 * and {@linkplain io.kvwire.ffi.verbs.ProtectionDomain protection domains}, and those make memory
 * regions and queue pairs. Work requests are written into memory outside the heap once, and posted
 * and polled without allocation.
 *
 * <p>Queue pairs are connected with what their owners told each other, or, where that is wanted, by
 * IP addresses and ports: a {@link io.kvwire.ffi.verbs.Connection} of librdmacm.
 *
 * <p>Everything that sets up or takes down may block, checks its arguments and throws {@link
 * io.kvwire.transport.TransferException} with what failed, the system's reason and what to do.
 * Everything that posts or polls returns numbers.
 *
 * <p>Objects are closed in the reverse order of their making; the kernel refuses to free what is
 * still used, and the refusal is thrown. An object must not be closed while another thread calls
 * it.
 */
package io.kvwire.ffi.verbs;
