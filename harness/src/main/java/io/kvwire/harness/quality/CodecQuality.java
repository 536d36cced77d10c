package io.kvwire.harness.quality;

/**
 * What decoding from a cache gives after a codec, beside the cache that was not touched.
 *
 * @param codec its name
 * @param options its options, empty for the defaults
 * @param perplexity per token, of the text after the transferred part
 * @param perplexityChange of {@code perplexity} against the untouched cache, 0.005 is 0.5 %
 * @param klDivergence from the untouched cache's distribution to this one, mean over tokens, in
 *     nats
 * @param top1Agreement share of tokens whose most likely successor is the same
 * @param logitRmsError root mean square difference of attention logits, q·k over the root of the
 *     head dimension
 * @param logitMaxError the largest of these differences
 * @param ratio bytes of the cache over bytes of the frames, headers included
 */
record CodecQuality(
        String codec,
        String options,
        double perplexity,
        double perplexityChange,
        double klDivergence,
        double top1Agreement,
        double logitRmsError,
        double logitMaxError,
        double ratio) {}
