package io.kvwire.codec;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** What raw-v1-fields.py has written into raw-v1-fields.bin. */
final class GoldenFrame {
    static final KvModel MODEL = new KvModel(0x3132333435363738L, 0x4142434445464748L, true);
    static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(40)
                    .kvHeads(12)
                    .headDim(3)
                    .tokensPerBlock(4)
                    .dtype(DType.FP16)
                    .order(KvOrder.HND)
                    .form(KvForm.FUSED)
                    .tensorParallel(1, 2)
                    .build();
    static final Slab SLAB =
            new Slab(
                    new Slab.Id(0x0102030405060708L, 0x1112131415161718L, 0x21222324, 2, 9),
                    LAYOUT,
                    37,
                    new TokenRange(5, 6),
                    7,
                    2);

    private static final ValueLayout.OfShort ELEMENT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private GoldenFrame() {}

    static byte[] bytes() {
        try (var in = GoldenFrame.class.getResourceAsStream("golden/raw-v1-fields.bin")) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] payload() {
        var bytes = bytes();
        return Arrays.copyOfRange(bytes, FrameHeader.BYTES, bytes.length);
    }

    static short element(int part, int token, int head, int dim) {
        return (short) (part << 15 | token << 9 | head << 4 | dim);
    }

    /**
     * Visits where each element of the slab lies in a dense cache of a layout, table the identity.
     */
    static void visit(KvLayout layout, int blocks, Visitor visitor) {
        for (int part = 0; part < 2; part++) {
            for (int token = 5; token < 11; token++) {
                for (int head = 7; head < 9; head++) {
                    for (int dim = 0; dim < 3; dim++) {
                        visitor.at(
                                offset(layout, blocks, part, token, head, dim),
                                element(part, token, head, dim));
                    }
                }
            }
        }
    }

    private static long offset(
            KvLayout layout, int blocks, int part, int token, int head, int dim) {
        long block = token / layout.tokensPerBlock();
        long partBytes = layout.partBytes();
        long start =
                layout.form() == KvForm.FUSED
                        ? (block * 2 + part) * partBytes
                        : ((long) part * blocks + block) * partBytes;
        return start
                + token % layout.tokensPerBlock() * layout.tokenStride()
                + (head - layout.firstHead()) * layout.headStride()
                + 2L * dim;
    }

    static short read(MemorySegment memory, long offset) {
        return memory.get(ELEMENT, offset);
    }

    static void write(MemorySegment memory, long offset, short element) {
        memory.set(ELEMENT, offset, element);
    }

    interface Visitor {
        void at(long offset, short element);
    }
}
