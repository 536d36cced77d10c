package io.kvwire.bench.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** {@code memcpy}, and INT8 coding as {@code benchmarks/c/int8_codec.c} does it. */
@SuppressWarnings("restricted") // Calling C is what this class is for.
public final class CodecInC {
    private static final Linker LINKER = Linker.nativeLinker();

    // void *memcpy(void *to, const void *from, size_t bytes)
    private final MethodHandle memcpy;
    // void int8_encode(const uint16_t *rows, size_t count, size_t dim, int8_t *codes, float
    // *scales)
    private final MethodHandle encode;
    // the same signature
    private final MethodHandle encodeSummed;
    // void int8_decode(const int8_t *codes, const float *scales, size_t count, size_t dim,
    //                  uint16_t *rows)
    private final MethodHandle decode;
    // the same signature
    private final MethodHandle decodeSummed;

    /**
     * Loads the functions.
     *
     * @param library the compiled {@code int8_codec.c}
     */
    public CodecInC(Path library) {
        var symbols = SymbolLookup.libraryLookup(library, Arena.global());
        memcpy =
                LINKER.downcallHandle(
                        LINKER.defaultLookup().findOrThrow("memcpy"),
                        FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG));
        var encoder = FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);
        encode = LINKER.downcallHandle(symbols.findOrThrow("int8_encode"), encoder);
        encodeSummed = LINKER.downcallHandle(symbols.findOrThrow("int8_encode_summed"), encoder);
        var decoder = FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
        decode = LINKER.downcallHandle(symbols.findOrThrow("int8_decode"), decoder);
        decodeSummed = LINKER.downcallHandle(symbols.findOrThrow("int8_decode_summed"), decoder);
    }

    /** Copies all of one segment to the start of another. */
    public void copy(MemorySegment from, MemorySegment to) {
        try {
            var _ = (MemorySegment) memcpy.invokeExact(to, from, from.byteSize());
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Encodes BF16 rows; codes first, scales behind them, and their checksum if there is one. */
    public void encode(MemorySegment rows, long dim, MemorySegment codes, boolean summed) {
        long count = rows.byteSize() / (2 * dim);
        var scales = codes.asSlice(count * dim);
        try {
            if (summed) {
                encodeSummed.invokeExact(rows, count, dim, codes, scales);
            } else {
                encode.invokeExact(rows, count, dim, codes, scales);
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Decodes what {@link #encode} has made; nothing where a checksum is asked for and wrong. */
    public void decode(MemorySegment codes, long dim, MemorySegment rows, boolean summed) {
        long count = rows.byteSize() / (2 * dim);
        var scales = codes.asSlice(count * dim);
        try {
            if (summed) {
                decodeSummed.invokeExact(codes, scales, count, dim, rows);
            } else {
                decode.invokeExact(codes, scales, count, dim, rows);
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
