/**
 * Memory of NVIDIA GPUs, so that caches in it travel over every wire, within the device and between
 * processes that share one.
 */
package io.kvwire.pcie.cuda;
