package io.kvwire.codec;

import static io.kvwire.codec.FrameHeader.BYTES;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.CodedForm;
import io.kvwire.transport.spi.CodedFrames;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Frames of scheme 1 around codes that a device has made: the codes are in place, scales and rests
 * of rows move by less than an alignment, and the host makes the checksums. Confined to the thread
 * of its codec.
 */
final class DeviceCodes implements CodedFrames {
    /** The codes lie where those of a frame do. */
    private static final int FORM_AT = BYTES - CodedForm.HEADER_BYTES;

    private final KvModel model;
    private final Int8Options options;
    private final Optional<String> lossless;
    private final FrameReader reader;
    private final FrameHeader header = new FrameHeader();
    private final FrameHeader seen = new FrameHeader();
    private final FrameChecksum checksum = new FrameChecksum();
    private final Bodies bodies = new Bodies();
    private final OutlierWatch watch = new OutlierWatch();

    DeviceCodes(KvModel model, Int8Options options, boolean lz4, FrameReader reader) {
        this.model = model;
        this.options = options;
        lossless = lz4 ? Optional.of("LZ4 is of the host") : Optional.empty();
        this.reader = reader;
    }

    @Override
    public Optional<String> refusal(KvLayout layout, int layer) {
        if (layout.dtype().bytes() == 1) {
            return Optional.of("elements of " + layout.dtype() + " go as they are");
        }
        if (options.rawLayers().contains(layer)) {
            return Optional.of("layer " + layer + " goes raw (skip)");
        }
        if (options.halfScales()) {
            return Optional.of("devices make no scales=fp16");
        }
        if (options.asymmetric()) {
            return Optional.of("devices make no range=asymmetric");
        }
        if (options.keys() != RowCoding.TOKEN) {
            return Optional.of("devices code keys by token alone, not as " + options.keys());
        }
        if (options.values() != RowCoding.TOKEN && layout.form() != KvForm.LATENT) {
            return Optional.of("devices code values by token alone, not as " + options.values());
        }
        return lossless;
    }

    @Override
    public int formAt() {
        return FORM_AT;
    }

    @Override
    public long seal(Slab slab, MemorySegment memory, long formBytes) {
        header.describe(slab, model);
        header.quantise(false, false, RowCoding.TOKEN, RowCoding.TOKEN);
        header.outliers = 0;
        var form = CodedForm.of(slab);
        var coded = memory.asSlice(FORM_AT);
        int unscaled = form.unscaled(coded);
        if (unscaled < 0 || unscaled > form.rows() || form.bytes(unscaled) != formBytes) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a form of " + formBytes + " bytes with " + unscaled + " rows without a scale");
        }
        int codesEnd = BYTES + Math.toIntExact(form.codeBytes());
        header.codeBytes = codesEnd - BYTES;
        header.scaleBytes = (int) FrameSections.scaleBytes(header);
        header.auxiliaryBytes = unscaled * form.restBytes();
        if (header.auxiliaryBytes > 0) {
            header.flags |= FrameHeader.FLAG_UNSCALED_ROWS;
        }
        int scalesAt = FrameSections.scalesAt(header);
        int scalesEnd = scalesAt + header.scaleBytes;
        int auxiliaryAt = FrameSections.auxiliaryAt(header);
        int end = auxiliaryAt + header.auxiliaryBytes;
        if (end > memory.byteSize()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "room for " + memory.byteSize() + " bytes, the frame has " + end);
        }
        bodies.start(header);
        if (bodies.next()) {
            watch.lookAtCodes(header, memory, BYTES, bodies.rows());
        }
        // The last part first: nothing is written over what has yet to move.
        move(memory, FORM_AT + form.restAt(unscaled), auxiliaryAt, header.auxiliaryBytes);
        move(memory, FORM_AT + form.scalesAt(), scalesAt, header.scaleBytes);
        memory.asSlice(codesEnd, scalesAt - codesEnd).fill((byte) 0);
        memory.asSlice(scalesEnd, auxiliaryAt - scalesEnd).fill((byte) 0);
        sumUp(memory, codesEnd, end);
        header.encode(memory);
        return end;
    }

    private void sumUp(MemorySegment memory, int codesEnd, int end) {
        checksum.start();
        checksum.add(memory, BYTES, codesEnd);
        header.decodedCrc = checksum.value();
        checksum.add(memory, codesEnd, end);
        header.wireCrc = checksum.value();
        header.wireBytes = end - BYTES;
    }

    @Override
    public long open(MemorySegment memory, long frameBytes, Slab slab) {
        var frame = memory.asSlice(0, frameBytes);
        seen.decode(frame);
        if (!ofDevices(seen)) {
            return 0;
        }
        header.describe(slab, model);
        var checked = reader.check(frame, header);
        var form = CodedForm.of(slab);
        int unscaled = checked.auxiliaryBytes / form.restBytes();
        long formBytes = form.bytes(unscaled);
        if (!ofDevices(checked) || FORM_AT + formBytes > memory.byteSize()) {
            return 0;
        }
        long auxiliaryAt = FrameSections.auxiliaryAt(checked);
        var coded = memory.asSlice(FORM_AT);
        move(
                memory,
                FrameSections.scalesAt(checked),
                FORM_AT + form.scalesAt(),
                checked.scaleBytes);
        move(memory, auxiliaryAt, FORM_AT + form.restAt(unscaled), checked.auxiliaryBytes);
        form.writeHeader(coded, unscaled);
        if (unscaled > 0) {
            form.writeList(coded, form.rowsWithoutScale(coded, unscaled));
        }
        return formBytes;
    }

    /** Whether a frame holds what devices make: one FP32 scale for each row, and nothing else. */
    private static boolean ofDevices(FrameHeader header) {
        return header.scheme == FrameHeader.SCHEME_SYMMETRIC
                && header.scaleDtype == DType.FP32.number()
                && header.losslessCodec == 0
                && header.keys == RowCoding.TOKEN
                && header.values == RowCoding.TOKEN;
    }

    private static void move(MemorySegment memory, long from, long to, long bytes) {
        MemorySegment.copy(memory, from, memory, to, bytes);
    }
}
