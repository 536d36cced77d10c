/** A run in two halves: prefill computes a prompt's KV cache, decode continues from it. */
package io.kvwire.harness.split;
