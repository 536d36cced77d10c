package io.kvwire.harness.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.weights.Safetensors;
import io.kvwire.transport.KvOrder;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/**
 * The model that ships says what an independent implementation in PyTorch has it say.
 *
 * <p>Both widen its BF16 weights to FP32, which is exact, and compute in FP32 over a cache in FP32,
 * with different orders of addition. That moves a logit, which is 20 at most, by up to 2e-5, some
 * ten ulps of the largest; ten times as much is allowed. A cache in BF16 moves it by 5e-3 and more.
 * The references' tokens lead by at least 0.01, so they must be the same.
 */
class TrainedReferenceTest {
    private static final float LOGIT_TOLERANCE = 2e-4f;

    /** The reference has six decimals; a cache in BF16 would move the mean by 4e-5. */
    private static final double LOSS_TOLERANCE = 1e-5;

    private static final int TOKENS_PER_BLOCK = 16;

    private static LoadedModel model;
    private static Llama llama;
    private static JsonNode expected;

    @BeforeAll
    static void load() throws IOException {
        model = new ModelSource.Trained().load();
        llama = model.llama(LlamaOptions.defaults());
        expected = new ObjectMapper().readTree(Reference.bytes("trained/expected.json"));
    }

    @AfterAll
    static void close() {
        llama.close();
        model.tokenizer().orElseThrow().close();
    }

    @Test
    void textBecomesTheSameTokens() {
        var tokenizer = model.tokenizer().orElseThrow();
        for (var prompt : prompts()) {
            var text = prompt.get("text").asText();
            assertArrayEquals(ints(prompt.get("tokenIds")), tokenizer.encode(text), text);
        }
        var heldOut = expected.get("heldOut");
        var text = Reference.bytes("trained/" + heldOut.get("file").asText());
        assertArrayEquals(
                ints(heldOut.get("tokenIds")),
                tokenizer.encode(new String(text, StandardCharsets.UTF_8)));
    }

    @Test
    void lastLogitsAreThoseOfPyTorch() {
        var vectors =
                Safetensors.of(
                        MemorySegment.ofArray(Reference.bytes("trained/expected.safetensors")),
                        "trained/expected.safetensors");
        for (int n = 0; n < prompts().size(); n++) {
            var tensor = vectors.tensor("prompts." + n + ".last_logits").orElseThrow();
            var logits = new float[model.config().vocabSize()];
            assertEquals(tensor.data().byteSize(), (long) logits.length * Float.BYTES);
            tensor.read(0, logits, logits.length);
            int[] tokens = ints(prompts().get(n).get("tokenIds"));
            try (var cache = new Cache(tokens.length)) {
                assertArrayEquals(logits, cache.prefill(tokens), LOGIT_TOLERANCE, "prompt " + n);
            }
        }
    }

    @Test
    void greedyTokensAndTheirTextAreThoseOfPyTorch() {
        var tokenizer = model.tokenizer().orElseThrow();
        for (var prompt : prompts()) {
            assertTrue(prompt.get("smallestLead").asDouble() > 0.01, "too close to tell apart");
            int[] tokens = ints(prompt.get("tokenIds"));
            int[] continuation = ints(prompt.get("greedyTokenIds"));
            try (var cache = new Cache(tokens.length + continuation.length)) {
                int first = Llama.greedy(cache.prefill(tokens));
                int[] made =
                        new GreedyDecoding(llama, cache.blockTable, cache.paged)
                                .run(first, tokens.length, continuation.length, token -> {});
                assertArrayEquals(continuation, made, prompt.get("text").asText());
                assertEquals(prompt.get("greedyText").asText(), tokenizer.decode(made));
            }
        }
    }

    /** As reference.py takes it: in windows, each from its own start token. */
    @Test
    void lossOnHeldOutTextIsThatOfPyTorch() {
        var heldOut = expected.get("heldOut");
        int[] tokens = ints(heldOut.get("tokenIds"));
        int window = heldOut.get("windowTokens").asInt();
        double loss = 0;
        for (int at = 1; at < tokens.length; at += window) {
            int[] targets = Arrays.copyOfRange(tokens, at, Math.min(at + window, tokens.length));
            int[] inputs = new int[targets.length];
            inputs[0] = tokens[0];
            System.arraycopy(targets, 0, inputs, 1, targets.length - 1);
            try (var cache = new Cache(inputs.length)) {
                var scores = llama.score(inputs, 0, cache.blockTable, cache.paged);
                for (int t = 0; t < targets.length; t++) {
                    loss += logSum(scores[t]) - scores[t][targets[t]];
                }
            }
        }
        double mean = loss / (tokens.length - 1);
        assertEquals(heldOut.get("lossNats").asDouble(), mean, LOSS_TOLERANCE);
    }

    private static double logSum(float... logits) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        return Math.log(sum);
    }

    private static JsonNode prompts() {
        return expected.get("prompts");
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }

    /** A cache in FP32 with room for one sequence. */
    private static final class Cache implements AutoCloseable {
        final Arena arena = Arena.ofShared();
        final int[] blockTable;
        final PagedKv paged;

        Cache(int tokens) {
            blockTable = IntStream.range(0, Math.ceilDiv(tokens, TOKENS_PER_BLOCK)).toArray();
            paged =
                    PagedKv.allocate(
                            arena,
                            model.config()
                                    .kvGeometry(
                                            blockTable.length, TOKENS_PER_BLOCK, ElementType.FP32),
                            KvOrder.NHD,
                            KvPacking.SPLIT);
        }

        float[] prefill(int... tokens) {
            return llama.prefill(tokens, 0, blockTable, paged, LayerListener.NONE);
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
