package io.kvwire.harness.timeline;

/**
 * What happened to one unit of a run: one layer of one chunk of the prompt.
 *
 * @param layer from 0
 * @param firstToken first token of the chunk
 * @param tokens of the chunk
 * @param compute until its K and V were final
 * @param encode gathering or encoding at the source
 * @param wire from being given to the wire until its last byte was at the target
 * @param decode at the target
 */
public record UnitTimes(
        int layer, int firstToken, int tokens, Span compute, Span encode, Span wire, Span decode) {}
