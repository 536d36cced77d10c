/**
 * The conformance suite: a wire passes it by extending {@link io.kvwire.tck.WireConformance} and
 * giving a {@link io.kvwire.tck.WireUnderTest}.
 *
 * <p>Each group of the suite is a class of its own and holds the wire to one contract; all of them
 * stand on {@link io.kvwire.tck.WireContract}, which sets up nodes under a fault injector and an
 * audit of the SPI, and checks after each test that nothing has leaked. {@link io.kvwire.tck.Soak}
 * does the same at random and for as long as one likes.
 */
package io.kvwire.tck;
