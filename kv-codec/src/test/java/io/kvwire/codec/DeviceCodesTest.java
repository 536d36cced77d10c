package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.CodedForm;
import io.kvwire.transport.spi.CodedFrames;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;

/** Frames around codes of a device: the codec's own frames stand for what a device would make. */
class DeviceCodesTest {
    private static final int ROOM = 1 << 16;

    private final Int8Codec codec = new Int8Codec(GoldenFrame.MODEL);
    private final CodedFrames frames = codec.codedFrames().orElseThrow();

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void theGoldenFrameIsMadeOfItsCodesAndGivesThem(DType dtype) {
        var golden = GoldenInt8.of(dtype);
        var memory = memory(golden.frame());

        long bytes = frames.open(memory, golden.frame().length, golden.slab());

        var form = CodedForm.of(golden.slab());
        var coded = memory.asSlice(frames.formAt(), bytes);
        assertArrayEquals(
                Arrays.copyOfRange(
                        golden.frame(),
                        FrameHeader.BYTES,
                        FrameHeader.BYTES + (int) form.codeBytes()),
                form.codes(coded).toArray(ValueLayout.JAVA_BYTE));
        assertEquals(form.unscaled(coded), form.list(coded).length);
        assertEquals(bytes, form.bytes(form.unscaled(coded)));

        memory.asSlice(0, frames.formAt()).fill((byte) 0x77);
        memory.asSlice(frames.formAt() + bytes).fill((byte) 0x77);
        long sealed = frames.seal(golden.slab(), memory, bytes);

        assertArrayEquals(golden.frame(), memory.asSlice(0, sealed).toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void framesOfAnyShapeGoThereAndBack() {
        for (int seed = 0; seed < 400; seed++) {
            var random = new Random(seed);
            var slab = slab(random);
            byte[] frame = CodecRuns.encode(codec, slab, elements(slab, random));
            var form = CodedForm.of(slab);
            var memory = memory(new byte[(int) (frames.formAt() + form.mostBytes() + 128)]);
            MemorySegment.copy(MemorySegment.ofArray(frame), 0, memory, 0, frame.length);

            long bytes = frames.open(memory, frame.length, slab);
            assertTrue(bytes >= form.bytes(0) && bytes <= form.mostBytes(), "seed " + seed);
            form.list(memory.asSlice(frames.formAt(), bytes));
            long sealed = frames.seal(slab, memory, bytes);

            assertArrayEquals(
                    frame,
                    memory.asSlice(0, sealed).toArray(ValueLayout.JAVA_BYTE),
                    "seed " + seed + ": " + slab);
        }
    }

    @Test
    void noFlippedBitIsOpened() {
        var golden = GoldenInt8.of(DType.FP32);
        for (int bit = 0; bit < golden.frame().length * 8; bit++) {
            byte[] frame = golden.frame();
            frame[bit / 8] ^= (byte) (1 << bit % 8);
            var memory = memory(frame);
            var untouched = memory.toArray(ValueLayout.JAVA_BYTE);
            assertThrows(
                    TransferException.class,
                    () -> frames.open(memory, golden.frame().length, golden.slab()),
                    "bit " + bit);
            assertArrayEquals(untouched, memory.toArray(ValueLayout.JAVA_BYTE), "bit " + bit);
        }
    }

    @Test
    void aFrameOfAnotherTransferIsNotOpened() {
        var golden = GoldenInt8.of(DType.BF16);
        var id = golden.slab().id();
        var other =
                new Slab(
                        new Slab.Id(id.transferId(), id.requestId(), 1, id.chunk(), id.chunks()),
                        golden.slab().layout(),
                        golden.slab().layer(),
                        golden.slab().tokens(),
                        golden.slab().firstHead(),
                        golden.slab().heads());

        var stale =
                assertThrows(
                        TransferException.class,
                        () -> frames.open(memory(golden.frame()), golden.frame().length, other));

        assertEquals(ErrorCode.STALE, stale.code());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "int8,scales=fp16; scales=fp16",
                "int8,range=asymmetric; range=asymmetric",
                "int8,keys=hadamard; HADAMARD",
                "int8,keys=outliers:2; OUTLIERS",
                "int8,values=raw; RAW",
                "int8,skip=0; layer 0",
                "int8+lz4; LZ4"
            })
    void whatDevicesDoNotMakeIsLeftToTheHostAndSaysWhy(String text, String why) {
        var other = codec(text);
        var layout = KvLayout.builder().layers(2).kvHeads(2).headDim(64).dtype(DType.BF16).build();
        var refusal = other.codedFrames().orElseThrow().refusal(layout, 0);
        assertTrue(refusal.orElseThrow().contains(why), refusal::toString);

        var slab = CodecRuns.slab(layout, new TokenRange(0, 5));
        byte[] frame = CodecRuns.encode(other, slab, new byte[(int) slab.rawBytes()]);
        var memory = memory(frame);
        assertEquals(0, frames.open(memory, frame.length, slab));
        assertArrayEquals(frame, memory.asSlice(0, frame.length).toArray(ValueLayout.JAVA_BYTE));
    }

    private static KvCodec codec(String text) {
        return KvCodecProvider.create(text, KvModel.UNKNOWN);
    }

    @Test
    void onlyTheLayersThatAreSkippedAreLeftToTheHost() {
        var layout = KvLayout.builder().layers(3).kvHeads(2).headDim(64).build();
        var skipping = codec("int8,skip=1").codedFrames().orElseThrow();

        assertTrue(skipping.refusal(layout, 0).isEmpty());
        assertTrue(skipping.refusal(layout, 1).isPresent());
        assertTrue(frames.refusal(layout, 1).isEmpty());
    }

    @Test
    void aFormThatWouldBeLongerThanTheMemoryIsLeftToTheHost() {
        var layout = KvLayout.builder().layers(1).kvHeads(4).headDim(16).dtype(DType.BF16).build();
        var slab = CodecRuns.slab(layout, new TokenRange(0, 100));
        float[] values = new float[800 * 16];
        Arrays.fill(values, Float.NaN);
        byte[] frame = CodecRuns.encode(codec, slab, CodecRuns.elements(DType.BF16, values));
        var exact = MemorySegment.ofArray(frame.clone());

        assertEquals(0, frames.open(exact, frame.length, slab));
        assertArrayEquals(frame, exact.toArray(ValueLayout.JAVA_BYTE));
        assertEquals(
                CodedForm.of(slab).mostBytes(), frames.open(memory(frame), frame.length, slab));
    }

    @Test
    void aFormOfAnotherLengthIsRefused() {
        var golden = GoldenInt8.of(DType.BF16);
        var memory = memory(golden.frame());
        long bytes = frames.open(memory, golden.frame().length, golden.slab());

        for (long wrong : new long[] {bytes - 1, bytes + 1, 0}) {
            var refused =
                    assertThrows(
                            TransferException.class,
                            () -> frames.seal(golden.slab(), memory, wrong));
            assertEquals(ErrorCode.OUT_OF_RANGE, refused.code());
        }
    }

    private static Slab slab(Random random) {
        var forms = KvForm.values();
        var form = forms[random.nextInt(forms.length)];
        int heads = form == KvForm.LATENT ? 1 : 1 + random.nextInt(4);
        var layout =
                KvLayout.builder()
                        .layers(1)
                        .kvHeads(heads)
                        .headDim(1 + random.nextInt(70))
                        .tokensPerBlock(1 + random.nextInt(9))
                        .dtype(DType.of(random.nextInt(3)))
                        .order(random.nextBoolean() ? KvOrder.NHD : KvOrder.HND)
                        .form(form)
                        .build();
        var tokens = new TokenRange(random.nextInt(20), 1 + random.nextInt(20));
        return CodecRuns.slab(layout, tokens);
    }

    /** Gaussian elements, with some rows that no scale fits. */
    private static byte[] elements(Slab slab, Random random) {
        var dtype = slab.layout().dtype();
        int dim = slab.layout().headDim();
        float[] values = new float[(int) slab.rawBytes() / dtype.bytes()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        int most = values.length / dim;
        for (int i = random.nextInt(3) * random.nextInt(1 + most); i > 0; i--) {
            values[random.nextInt(most) * dim] = Float.POSITIVE_INFINITY;
        }
        return CodecRuns.elements(dtype, values);
    }

    private static MemorySegment memory(byte[] frame) {
        return MemorySegment.ofArray(Arrays.copyOf(frame, frame.length + ROOM));
    }
}
