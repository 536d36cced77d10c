/**
 * The CUDA driver, {@code libcuda.so.1}, by its own API: nothing of the toolkit is needed. The
 * driver is opened at first use; where it is absent there is a {@linkplain
 * io.kvwire.ffi.cuda.CudaLibrary#reason reason} and no error.
 */
package io.kvwire.ffi.cuda;
