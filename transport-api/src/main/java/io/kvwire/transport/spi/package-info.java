/** What wires, devices and codecs implement; found through {@link java.util.ServiceLoader}. */
package io.kvwire.transport.spi;
