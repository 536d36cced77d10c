package io.kvwire.harness.xpu;

import java.util.List;

/** The kernels of {@code llama.h}, as an engine has them. Confined to its thread. */
final class Kernels implements AutoCloseable {
    /** Rows of activations that share a load of a weight; as in {@code llama.h}. */
    static final int ROWS = 4;

    private final int wide;
    final Step embed;
    final Step norm;
    final Step multiplyFp32;
    final Step multiplyBf16;
    final Step rotate;
    final Step store;
    final Step scores;
    final Step softmax;
    final Step weigh;
    final Step add;
    final Step gate;
    final Step argmax;

    Kernels(Engine engine) {
        wide = engine.wide();
        embed = new Step(engine, "llama_embed");
        norm = new Step(engine, "llama_norm");
        multiplyFp32 = new Step(engine, "llama_multiply_fp32");
        multiplyBf16 = new Step(engine, "llama_multiply_bf16");
        rotate = new Step(engine, "llama_rotate");
        store = new Step(engine, "llama_store");
        scores = new Step(engine, "llama_scores");
        softmax = new Step(engine, "llama_softmax");
        weigh = new Step(engine, "llama_weigh");
        add = new Step(engine, "llama_add");
        gate = new Step(engine, "llama_gate");
        argmax = new Step(engine, "llama_argmax");
    }

    /** {@return the threads that make so many neighbouring results} */
    long strips(int results) {
        return Math.ceilDiv(results, wide);
    }

    @Override
    public void close() {
        List.of(
                        embed,
                        norm,
                        multiplyFp32,
                        multiplyBf16,
                        rotate,
                        store,
                        scores,
                        softmax,
                        weigh,
                        add,
                        gate,
                        argmax)
                .forEach(Step::close);
    }
}
