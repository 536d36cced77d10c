/** The model on devices of Level Zero and OpenCL: GPUs and accelerators, and PoCL on the CPU. */
package io.kvwire.harness.xpu;
