package io.kvwire.harness.bench;

/**
 * A line to an adapter: measure this.
 *
 * @param point what
 * @param seconds how long, warm-up not included
 */
public record Order(Point point, double seconds) {}
