/**
 * Device code that moves rows of a paged KV cache, as they are or as INT8 codes, and what every
 * driver needs to launch it. One source, {@code kv_rows.h}, for OpenCL C and CUDA C; PTX and SPIR-V
 * made from it ship beside it, so that users need no compiler.
 */
package io.kvwire.ffi.kernels;
