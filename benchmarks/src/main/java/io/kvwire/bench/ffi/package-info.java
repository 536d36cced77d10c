/** C functions that benchmarks take as baselines. */
package io.kvwire.bench.ffi;
