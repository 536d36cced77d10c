package io.kvwire.codec;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.Slab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * What options-v1.py has written: for each option the codec that is asked for it, the slab, its
 * elements, its frame, what that gives.
 *
 * @param name of the case, in the names of its files
 * @param codec with its options
 * @param layout of the target
 * @param tokens how many, from token 6 on
 * @param firstHead the first of two heads, or the only one
 */
record GoldenOptions(String name, String codec, KvLayout layout, int tokens, int firstHead) {
    private static final int FIRST_TOKEN = 6;
    private static final int TOKENS = 5;

    /** Every case of the script. */
    static List<GoldenOptions> all() {
        return List.of(
                of("scales-fp16", "int8,scales=fp16", bf16()),
                of(
                        "scales-fp16-of-fp16",
                        "int8,scales=fp16",
                        bf16().dtype(DType.FP16).order(KvOrder.HND)),
                of(
                        "asymmetric",
                        "int8,range=asymmetric",
                        bf16().dtype(DType.FP16).form(KvForm.FUSED)),
                of("keys-channel", "int8,keys=channel", bf16().order(KvOrder.HND)),
                of(
                        "keys-channel-scales-fp16",
                        "int8,keys=channel,scales=fp16",
                        bf16().dtype(DType.FP32).headDim(19).form(KvForm.FUSED)),
                of("keys-raw", "int8,keys=raw", bf16().form(KvForm.FUSED).order(KvOrder.HND)),
                of("values-raw", "int8,values=raw", bf16().dtype(DType.FP32).headDim(17)),
                of("keys-outliers", "int8,keys=outliers:3", bf16()),
                of(
                        "keys-outliers-asymmetric",
                        "int8,keys=outliers:2,range=asymmetric,values=hadamard",
                        bf16().dtype(DType.FP32).headDim(24)),
                of("hadamard", "int8,keys=hadamard,values=hadamard", bf16().headDim(48)),
                new GoldenOptions(
                        "hadamard-fp16",
                        "int8,keys=hadamard,scales=fp16",
                        bf16().dtype(DType.FP16).headDim(64).build(),
                        TOKENS,
                        2),
                new GoldenOptions(
                        "latent",
                        "int8,keys=hadamard",
                        bf16().form(KvForm.LATENT).kvHeads(1).headDim(36).build(),
                        9,
                        0),
                of("skip", "int8,skip=2/5", bf16()),
                of("fp8-e4m3", "int8", bf16().dtype(DType.FP8_E4M3).headDim(21)),
                of("fp8-e5m2", "int8", bf16().dtype(DType.FP8_E5M2).headDim(21).form(KvForm.FUSED)),
                of("int8", "raw", bf16().dtype(DType.INT8).headDim(21).order(KvOrder.HND)),
                of("raw-lz4-bf16", "raw+lz4", bf16()),
                of(
                        "raw-lz4-fp32",
                        "raw+lz4",
                        bf16().dtype(DType.FP32).headDim(12).order(KvOrder.HND).form(KvForm.FUSED)),
                of("raw-lz4-int8", "raw+lz4", bf16().dtype(DType.INT8)),
                of("int8-lz4", "int8+lz4", bf16()),
                of("int8-lz4-asymmetric", "int8+lz4,keys=outliers:2,range=asymmetric", bf16()));
    }

    private static KvLayout.Builder bf16() {
        return KvLayout.builder()
                .layers(6)
                .kvHeads(3)
                .headDim(40)
                .tokensPerBlock(4)
                .dtype(DType.BF16);
    }

    private static GoldenOptions of(String name, String codec, KvLayout.Builder layout) {
        return new GoldenOptions(name, codec, layout.build(), TOKENS, 1);
    }

    Slab slab() {
        var id = new Slab.Id(0x0102030405060708L, 0x1112131415161718L, 0x21222324, 4, 5);
        int heads = Math.min(2, layout.kvHeads() - firstHead);
        return new Slab(id, layout, 5, new TokenRange(FIRST_TOKEN, tokens), firstHead, heads);
    }

    /** Whether a writer may make other frames of the same elements. */
    boolean compressed() {
        return codec.contains("lz4");
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
        var path = "golden/options-v1-" + name + "." + kind;
        try (var in = GoldenOptions.class.getResourceAsStream(path)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
