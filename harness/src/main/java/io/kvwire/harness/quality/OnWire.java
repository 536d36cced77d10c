package io.kvwire.harness.quality;

/**
 * What TCP on loopback delivered of one prompt's cache, beside the same frames in one process.
 *
 * @param codec its name
 * @param options its options
 * @param tokens of the prompt
 * @param sameBytes whether every byte of every block is the same
 */
record OnWire(String codec, String options, int tokens, boolean sameBytes) {}
