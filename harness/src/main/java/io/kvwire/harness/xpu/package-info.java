/** The model on OpenCL devices: GPUs and accelerators, and PoCL on the CPU. */
package io.kvwire.harness.xpu;
