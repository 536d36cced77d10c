/** What a wire, a codec or a kind of device memory implements; found through {@code ServiceLoader}. */
package io.kvwire.transport.spi;
