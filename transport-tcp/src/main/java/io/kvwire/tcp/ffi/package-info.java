/** System calls that neither the JDK nor Netty offers without a copy or an allocation. */
package io.kvwire.tcp.ffi;
