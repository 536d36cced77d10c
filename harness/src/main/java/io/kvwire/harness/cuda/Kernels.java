package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.KernelModule;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.kernels.KernelSource;

import java.util.List;

/** The kernels of {@code llama.h}, loaded on one device. Confined to the thread of its stream. */
final class Kernels implements AutoCloseable {
    /** Rows of activations that share a load of a weight; as in {@code llama.h}. */
    static final int ROWS = 4;

    private final KernelModule module;
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

    Kernels(Context context, Stream stream) {
        module = context.module(KernelSource.ptxLlama());
        embed = new Step(stream, module, "llama_embed");
        norm = new Step(stream, module, "llama_norm");
        multiplyFp32 = new Step(stream, module, "llama_multiply_fp32");
        multiplyBf16 = new Step(stream, module, "llama_multiply_bf16");
        rotate = new Step(stream, module, "llama_rotate");
        store = new Step(stream, module, "llama_store");
        scores = new Step(stream, module, "llama_scores");
        softmax = new Step(stream, module, "llama_softmax");
        weigh = new Step(stream, module, "llama_weigh");
        add = new Step(stream, module, "llama_add");
        gate = new Step(stream, module, "llama_gate");
        argmax = new Step(stream, module, "llama_argmax");
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
        module.close();
    }
}
