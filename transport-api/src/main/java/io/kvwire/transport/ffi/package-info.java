/** Calls of the C library that the node itself needs; not exported. */
package io.kvwire.transport.ffi;
