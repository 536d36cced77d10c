/**
 * The model on devices of Level Zero and OpenCL: GPUs and accelerators, and PoCL on the CPU. What
 * it needs of either is in {@code Engine}.
 */
package io.kvwire.harness.xpu;
