/** The model on GPUs of NVIDIA, with kernels of our own. */
package io.kvwire.harness.cuda;
