/** Micro-benchmarks and side-by-side runs. */
package io.kvwire.bench;
