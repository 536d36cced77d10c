package io.kvwire.harness.split;

import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.Llama;
import io.kvwire.transport.KvForm;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.IntStream;

/**
 * Names what a model computes, so that two halves of a run can tell whether they have the same one:
 * a hash of its sizes and of its logits after a fixed prompt. Logits depend on tokens, weights and
 * the cache's element type alone (see {@link Llama}), so equal models agree on any machine, and
 * halves that would compute different things do not.
 */
final class ModelFingerprint {
    private static final int PROBE_TOKENS = 24;
    private static final int HASH_BYTES = 16;

    private ModelFingerprint() {}

    /**
     * {@return 32 hexadecimal digits}
     *
     * @param llama the model, ready to run
     * @param shape of the cache that will be used; only its element type matters
     */
    static String of(Llama llama, CacheShape shape) {
        var config = llama.config();
        int tokens = Math.min(PROBE_TOKENS, config.maxPositions());
        // A stride that is prime to most vocabulary sizes visits tokens far apart.
        var probe =
                IntStream.range(0, tokens)
                        .map(i -> (int) ((i * 7919L + 17) % config.vocabSize()))
                        .toArray();
        var plain = CacheShape.DEFAULT.withForm(KvForm.SPLIT);
        var same =
                new CacheShape(plain.tokensPerBlock(), plain.order(), plain.form(), shape.dtype());
        try (var memory = CacheMemory.allocate(config, same, tokens)) {
            var blocks = IntStream.range(0, memory.blocks()).toArray();
            var logits = llama.prefill(probe, 0, blocks, memory.paged(), LayerListener.NONE);
            var bytes = ByteBuffer.allocate(logits.length * Float.BYTES);
            bytes.asFloatBuffer().put(logits);
            var hash = MessageDigest.getInstance("SHA-256");
            hash.update((config + " " + shape.dtype()).getBytes(StandardCharsets.UTF_8));
            hash.update(bytes.array());
            return HexFormat.of().formatHex(Arrays.copyOf(hash.digest(), HASH_BYTES));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
