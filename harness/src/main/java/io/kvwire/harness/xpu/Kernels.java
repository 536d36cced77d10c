package io.kvwire.harness.xpu;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.opencl.CommandQueue;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.Program;

import java.util.List;

/** The kernels of {@code llama.h}, compiled for one device. Confined to the thread of its queue. */
final class Kernels implements AutoCloseable {
    /**
     * Outputs of one thread on a processor, whose cores have vectors: two of AVX2, one of AVX-512.
     */
    private static final int WIDE_ON_CPU = 16;

    /** Rows of activations that share a load of a weight; as in {@code llama.h}. */
    static final int ROWS = 4;

    private final Program program;
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

    Kernels(Context context, CommandQueue queue) {
        var device = context.device();
        wide = device.isCpu() ? WIDE_ON_CPU : 1;
        program =
                context.program(
                        KernelSource.openClLlama(),
                        "-cl-std=CL1.2 -DLLAMA_WIDE="
                                + wide
                                + " -DLLAMA_ROWS="
                                + ROWS
                                + (device.dividesExactly()
                                        ? " -cl-fp32-correctly-rounded-divide-sqrt"
                                        : ""));
        embed = new Step(queue, program, "llama_embed");
        norm = new Step(queue, program, "llama_norm");
        multiplyFp32 = new Step(queue, program, "llama_multiply_fp32");
        multiplyBf16 = new Step(queue, program, "llama_multiply_bf16");
        rotate = new Step(queue, program, "llama_rotate");
        store = new Step(queue, program, "llama_store");
        scores = new Step(queue, program, "llama_scores");
        softmax = new Step(queue, program, "llama_softmax");
        weigh = new Step(queue, program, "llama_weigh");
        add = new Step(queue, program, "llama_add");
        gate = new Step(queue, program, "llama_gate");
        argmax = new Step(queue, program, "llama_argmax");
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
        program.close();
    }
}
