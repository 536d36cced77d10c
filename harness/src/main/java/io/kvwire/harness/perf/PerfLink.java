package io.kvwire.harness.perf;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A connection to measure over.
 *
 * @param lanes connections of the wire
 * @param bytesPerSecond the most that the client sends, 0 for no limit
 * @param codec how blocks are asked to look on the wire, {@code auto} say
 */
record PerfLink(int lanes, long bytesPerSecond, @JsonProperty("codecAsked") String codec) {}
