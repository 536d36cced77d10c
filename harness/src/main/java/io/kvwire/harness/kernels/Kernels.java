package io.kvwire.harness.kernels;

import java.util.ArrayList;
import java.util.List;

/** The kernels of {@code llama.h} on one device. Confined to the thread of its queue. */
final class Kernels<B> implements AutoCloseable {
    private final KernelQueue<B> queue;
    private final List<Step<B>> owned = new ArrayList<>();
    final Step<B> embed;
    final Step<B> norm;
    final Step<B> multiplyFp32;
    final Step<B> multiplyBf16;
    final Step<B> rotate;
    final Step<B> store;
    final Step<B> scores;
    final Step<B> softmax;
    final Step<B> weigh;
    final Step<B> add;
    final Step<B> gate;
    final Step<B> argmax;

    Kernels(KernelQueue<B> queue) {
        this.queue = queue;
        try {
            embed = step("llama_embed");
            norm = step("llama_norm");
            multiplyFp32 = step("llama_multiply_fp32");
            multiplyBf16 = step("llama_multiply_bf16");
            rotate = step("llama_rotate");
            store = step("llama_store");
            scores = step("llama_scores");
            softmax = step("llama_softmax");
            weigh = step("llama_weigh");
            add = step("llama_add");
            gate = step("llama_gate");
            argmax = step("llama_argmax");
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private Step<B> step(String name) {
        var step = new Step<>(queue.kernel(name));
        owned.add(step);
        return step;
    }

    /** {@return the threads that make so many neighbouring results} */
    long strips(int results) {
        return Math.ceilDiv(results, queue.wide());
    }

    @Override
    public void close() {
        owned.forEach(Step::close);
        owned.clear();
    }
}
