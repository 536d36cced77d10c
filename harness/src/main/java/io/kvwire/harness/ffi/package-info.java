/** The few calls into the C library that the command line needs. */
package io.kvwire.harness.ffi;
