package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

class FrameHeaderTest {
    @Test
    void everyFieldSurvivesTheRoundTrip() throws ReflectiveOperationException {
        var written = golden();
        var frame = new byte[FrameHeader.BYTES + written.wireBytes];
        written.encode(MemorySegment.ofArray(frame));

        var read = new FrameHeader();
        read.decode(MemorySegment.ofArray(frame));

        assertEquals(fields(written), fields(read));
        assertTrue(fields(read).size() >= 30, "fields were compared");
    }

    @Test
    void theHeaderIsTheOneThatTheSpecificationWrites() {
        var header = golden();
        var frame = GoldenFrame.bytes();
        var written = frame.clone();
        Arrays.fill(written, 0, FrameHeader.BYTES, (byte) 0);

        header.encode(MemorySegment.ofArray(written));

        assertArrayEquals(frame, written);
    }

    @ParameterizedTest(name = "{0} bytes at {1} set to {2}: {3}")
    @CsvSource({
        "4, 0, 0x4643564C, magic",
        "2, 6, 96, header bytes",
        "2, 8, 0x97, undefined flags",
        "2, 8, 0x8017, undefined flags",
        "2, 8, 0x16, flag K",
        "2, 8, 0x15, flag V",
        "2, 8, 0x1F, flag last",
        "2, 8, 0x07, flag passthrough",
        "2, 8, 0x37, flag lossless",
        "2, 8, 0x57, flag unscaled rows",
        "1, 5, 1, minor version",
        "1, 10, 6, unknown element type",
        "1, 10, 0, raw bytes",
        "1, 10, 2, code dtype",
        "1, 11, 5, code dtype",
        "1, 11, 255, unknown element type",
        "1, 12, 1, scale dtype",
        "1, 13, 3, unknown scheme",
        "1, 14, 1, rounding",
        "1, 15, 1, flag lossless",
        "1, 15, 2, lossless codec",
        "1, 16, 1, plane transform",
        "1, 17, 0x12, unknown order",
        "1, 17, 0x31, unknown form",
        "1, 17, 0x21, flag V",
        "1, 18, 1, coding of keys",
        "1, 18, 5, unknown coding of rows",
        "1, 19, 1, coding of values",
        "4, 20, 3, group size",
        "4, 24, 0x100000, layer",
        "4, 24, 0xFFFFFFFF, layer",
        "4, 28, 0xFFFFFFFF, first token",
        "4, 28, 0x7FFFFFFF, tokens",
        "4, 32, 0, tokens",
        "4, 32, 0xFFFFFFFF, tokens",
        "4, 32, 0x7FFFFFF0, tokens of this size",
        "4, 32, 7, raw bytes",
        "4, 36, 0, tokens per block",
        "4, 36, 0x100001, tokens per block",
        "2, 40, 0xFFFF, heads",
        "2, 42, 0, heads",
        "2, 42, 0xFFFF, heads",
        "2, 42, 3, raw bytes",
        "2, 44, 0, key dim",
        "2, 44, 0xFFFF, value dim",
        "2, 46, 2, value dim",
        "2, 46, 0, value dim",
        "4, 68, 9, chunk",
        "4, 68, 0xFFFFFFFF, chunk",
        "4, 68, 8, flag last",
        "4, 72, 0, chunks",
        "4, 72, 0xFFFFFFFF, chunks",
        "4, 72, 3, flag last",
        "4, 76, 145, raw bytes",
        "4, 76, 0xFFFFFFFF, raw bytes",
        "4, 96, 143, wire bytes",
        "4, 96, 0x7FFFFFFF, wire bytes",
        "4, 96, 0xFFFFFFFF, wire bytes",
        "4, 100, 0, code bytes",
        "4, 100, 0x7FFFFFFF, code bytes",
        "4, 100, 0xFFFFFFFF, code bytes",
        "4, 100, 143, wire bytes",
        "4, 104, 1, wire bytes",
        "4, 104, 0x7FFFFF7F, sections together",
        "4, 104, 0xFFFFFFFF, scale bytes",
        "4, 108, 1, wire bytes",
        "4, 108, 0xFFFFFFFF, auxiliary bytes",
        "2, 112, 1, outlier channels",
        "2, 114, 1, reserved",
        "4, 120, 0, decoded CRC",
    })
    void aFieldAgainstItsRuleIsMalformedEvenWithARightChecksum(
            int size, int offset, String value, String message) {
        var refusal = refused(frame -> put(frame, offset, size, Long.decode(value)));

        assertEquals(ErrorCode.MALFORMED, refusal.code());
        assertTrue(refusal.getMessage().startsWith("KV frame: ") || message.startsWith("unknown"));
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"4, 0", "4, 2", "4, 255", "5, 2"})
    void anotherVersionIsNamed(int offset, int value) {
        var refusal = refused(frame -> frame.put(offset, (byte) value));

        assertEquals(ErrorCode.VERSION_MISMATCH, refusal.code());
    }

    @Test
    void aWrongChecksumIsCorruption() {
        var frame = GoldenFrame.bytes();
        frame[70] ^= 1;

        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> new FrameHeader().decode(MemorySegment.ofArray(frame)));

        assertEquals(ErrorCode.CORRUPT, refusal.code());
    }

    @Test
    void sectionsOfALaterSchemeMustAddUpWithTheirPadding() {
        var codes =
                refused(frame -> {
                    put(frame, 104, 4, 8);
                    put(frame, 96, 4, 192 + 8);
                });
        assertTrue(codes.getMessage().contains("scale bytes is 8"), codes.getMessage());

        var unpadded =
                refused(frame -> {
                    put(frame, 104, 4, 8);
                    put(frame, 96, 4, 144 + 8);
                });
        assertTrue(
                unpadded.getMessage().contains("wire bytes is 152, must be 200"),
                unpadded.getMessage());
    }

    @Test
    void slabsThatNoFrameCanHoldAreRefused() {
        refusedSlab(KvLayout.builder().headDim(1 << 16).build(), new TokenRange(0, 1));
        refusedSlab(KvLayout.builder().kvHeads(1 << 16).headDim(1).build(), new TokenRange(0, 1));
        refusedSlab(KvLayout.builder().headDim(1 << 15).build(), new TokenRange(0, (1 << 13) + 1));
    }

    private static void refusedSlab(KvLayout layout, TokenRange tokens) {
        var slab = new Slab(new Slab.Id(1, 2, 3, 0, 1), layout, 0, tokens, 0, layout.heads());
        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> new FrameHeader().describe(slab, KvModel.UNKNOWN));
        assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
    }

    private static FrameHeader golden() {
        var header = new FrameHeader();
        header.describe(GoldenFrame.SLAB, GoldenFrame.MODEL);
        var crc = new CRC32C();
        crc.update(GoldenFrame.payload());
        header.passThrough((int) crc.getValue());
        return header;
    }

    private static Map<String, Object> fields(FrameHeader header)
            throws ReflectiveOperationException {
        var values = new TreeMap<String, Object>();
        for (var field : FrameHeader.class.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers())
                    && !Modifier.isFinal(field.getModifiers())) {
                values.put(field.getName(), field.get(header));
            }
        }
        return values;
    }

    private static TransferException refused(Consumer<ByteBuffer> change) {
        var frame = GoldenFrame.bytes();
        var buffer = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        change.accept(buffer);
        seal(buffer);
        return assertThrows(
                TransferException.class,
                () -> new FrameHeader().decode(MemorySegment.ofArray(frame)));
    }

    /** Makes the header checksum right again. */
    static void seal(ByteBuffer frame) {
        var crc = new CRC32C();
        crc.update(frame.slice(0, 124));
        frame.putInt(124, (int) crc.getValue());
    }

    private static void put(ByteBuffer frame, int offset, int size, long value) {
        switch (size) {
            case 1 -> frame.put(offset, (byte) value);
            case 2 -> frame.putShort(offset, (short) value);
            case 4 -> frame.putInt(offset, (int) value);
            default -> throw new IllegalArgumentException("size " + size);
        }
    }
}
