/**
 * The kernels on the Vector API, bit for bit equal to their scalar twins. The only package of this
 * module that may refer to {@code jdk.incubator.vector}.
 */
package io.kvwire.codec.simd;
