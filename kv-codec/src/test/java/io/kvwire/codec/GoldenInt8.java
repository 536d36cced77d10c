package io.kvwire.codec;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.Slab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;

/**
 * What int8-v1.py has written: for each dtype the slab, its elements, its frame, what that gives.
 */
record GoldenInt8(DType dtype, Slab slab) {
    static GoldenInt8 of(DType dtype) {
        var layout = KvLayout.builder().layers(6).dtype(dtype);
        return switch (dtype) {
            case BF16 ->
                    golden(
                            layout.kvHeads(5).headDim(128).tokensPerBlock(4).build(),
                            new TokenRange(6, 7),
                            3,
                            2);
            case FP16 ->
                    golden(
                            layout.kvHeads(4)
                                    .headDim(64)
                                    .tokensPerBlock(5)
                                    .order(KvOrder.HND)
                                    .form(KvForm.FUSED)
                                    .build(),
                            new TokenRange(3, 8),
                            1,
                            3);
            case FP32 ->
                    golden(
                            layout.kvHeads(1).headDim(37).order(KvOrder.HND).build(),
                            new TokenRange(0, 11),
                            0,
                            1);
            default -> throw new IllegalArgumentException(dtype + " has no golden frame");
        };
    }

    private static GoldenInt8 golden(KvLayout layout, TokenRange tokens, int firstHead, int heads) {
        var id = new Slab.Id(0x0102030405060708L, 0x1112131415161718L, 0x21222324, 4, 5);
        return new GoldenInt8(layout.dtype(), new Slab(id, layout, 5, tokens, firstHead, heads));
    }

    byte[] source() {
        return file("source");
    }

    byte[] frame() {
        return file("frame");
    }

    byte[] decoded() {
        return file("decoded");
    }

    private byte[] file(String kind) {
        var name = "golden/int8-v1-" + dtype.name().toLowerCase(Locale.ROOT) + "." + kind;
        try (var in = GoldenInt8.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
