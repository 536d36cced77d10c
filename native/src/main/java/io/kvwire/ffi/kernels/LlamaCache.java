package io.kvwire.ffi.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * The struct {@code LlamaCache} of {@code llama.h}: where the keys, or the values, of one layer
 * lie.
 *
 * @param offset bytes from the memory to block 0, token 0, head 0
 * @param blockStride bytes between blocks
 * @param tokenStride bytes between tokens of a block
 * @param headStride bytes between heads of a token
 * @param tokensPerBlock tokens of a block
 * @param heads of K and V
 * @param dim elements of a head
 * @param dtype 0 FP32, 1 FP16, 2 BF16
 */
public record LlamaCache(
        long offset,
        long blockStride,
        long tokenStride,
        long headStride,
        int tokensPerBlock,
        int heads,
        int dim,
        int dtype) {

    /** The struct. */
    public static final StructLayout LAYOUT =
            CStruct.of(
                    "LlamaCache",
                    JAVA_LONG.withName("offset"),
                    JAVA_LONG.withName("block_stride"),
                    JAVA_LONG.withName("token_stride"),
                    JAVA_LONG.withName("head_stride"),
                    JAVA_INT.withName("tokens_per_block"),
                    JAVA_INT.withName("heads"),
                    JAVA_INT.withName("dim"),
                    JAVA_INT.withName("dtype"));

    /**
     * Writes the struct.
     *
     * @param struct at least as large as {@link #LAYOUT}
     */
    public void write(MemorySegment struct) {
        struct.set(JAVA_LONG, CStruct.offset(LAYOUT, "offset"), offset);
        struct.set(JAVA_LONG, CStruct.offset(LAYOUT, "block_stride"), blockStride);
        struct.set(JAVA_LONG, CStruct.offset(LAYOUT, "token_stride"), tokenStride);
        struct.set(JAVA_LONG, CStruct.offset(LAYOUT, "head_stride"), headStride);
        struct.set(JAVA_INT, CStruct.offset(LAYOUT, "tokens_per_block"), tokensPerBlock);
        struct.set(JAVA_INT, CStruct.offset(LAYOUT, "heads"), heads);
        struct.set(JAVA_INT, CStruct.offset(LAYOUT, "dim"), dim);
        struct.set(JAVA_INT, CStruct.offset(LAYOUT, "dtype"), dtype);
    }
}
