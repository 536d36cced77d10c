/**
 * A small Llama on the CPU: configuration, weights, paged KV cache, prefill and greedy decoding.
 *
 * <pre>{@code
 * var model = ModelSource.parse("trained").load();
 * try (var llama = Llama.create(model, LlamaOptions.defaults()); var arena = Arena.ofShared()) {
 *     var cache = PagedKv.allocate(arena, model.config().kvGeometry(64, 16, ElementType.BF16),
 *             KvOrder.NHD, KvPacking.SPLIT);
 *     int[] blockTable = IntStream.range(0, 64).toArray();
 *     int[] prompt = model.tokenizer().orElseThrow().encode("In the beginning");
 *     float[] logits = llama.prefill(prompt, 0, blockTable, cache, LayerListener.NONE);
 *     var decoding = GreedyDecoding.after(logits, prompt.length, 32);
 *     ...
 * }
 * }</pre>
 */
package io.kvwire.harness.model;
