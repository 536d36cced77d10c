/**
 * The arithmetic of the model: packed matrices, element types, kernels and the threads that run
 * them.
 *
 * <p>Every result is defined by one order of floating-point operations, written down in {@link
 * io.kvwire.harness.math.Kernels}, so that it does not depend on how the work was cut into chunks,
 * tiles or threads, nor on the vector width of the processor.
 */
package io.kvwire.harness.math;
