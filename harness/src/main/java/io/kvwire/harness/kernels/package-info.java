/** The model on devices that run the kernels of {@code llama.h}, whoever made them. */
package io.kvwire.harness.kernels;
