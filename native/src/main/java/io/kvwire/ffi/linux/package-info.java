/**
 * What Linux offers processes of one host to share memory: sealed memory files, local sockets that
 * hand over descriptors and prove who is at the other end, and reads of another process's memory.
 *
 * <p>The numbers are those of Linux on 64-bit processors; a test holds them against a C compiler's.
 */
package io.kvwire.ffi.linux;
