package io.kvwire.harness.quality;

/**
 * Greedy decoding from a transferred cache beside that from the untouched one.
 *
 * @param codec its name
 * @param options its options
 * @param prompts that were continued
 * @param sameContinuations prompts whose tokens are all the same
 * @param tokens that were made for all prompts
 * @param sameTokens of these, those equal at their place; after a first difference texts part, so
 *     this says less than {@link CodecQuality#top1Agreement}
 */
record Greedy(
        String codec,
        String options,
        int prompts,
        int sameContinuations,
        int tokens,
        int sameTokens) {}
