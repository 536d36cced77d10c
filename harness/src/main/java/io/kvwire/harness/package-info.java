/** A small Llama on the CPU and the two halves that share its KV cache. */
package io.kvwire.harness;
