package io.kvwire.codec;

import static java.util.Objects.requireNonNull;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.CodedFrames;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Optional;

/**
 * Frames that hold elements of FP32, FP16 or BF16 as INT8 codes with one scale for each token, head
 * and part: scheme 1 of docs/spec/kv-frame.md, which states what a decoded element may differ by.
 * Against BF16 that is 1.94 times smaller at head dim 128 and 1.88 times at 64. Caches of FP8 and
 * INT8 pass through as they are.
 *
 * <p>A row with a NaN or an infinity keeps its bits. Order and form of source and target may
 * differ: rows are read from and written to where they lie, and that is the only pass over them.
 *
 * <p>Memory outside of the heap that runs or frame lie in must stay allocated until a call returns:
 * closing its arena from another thread meanwhile may end the process.
 *
 * <p>Owns a scratch row; keeps a view of the last frame that it saw. Allocation-free after
 * construction; confined to one thread.
 */
public final class Int8Codec implements KvCodec {
    static final String NAME = "int8";
    static final String NAME_WITH_LZ4 = "int8+lz4";

    private final KvModel model;
    private final Int8Options options;
    private final BitSet rawLayers = new BitSet();
    private final FrameHeader header = new FrameHeader();
    private final String name;
    private final KvCodec raw;
    private final RowKernels kernels;
    private final Int8Writer writer;
    private final FrameReader reader;
    private final Optional<CodedFrames> codedFrames;

    /**
     * Makes a codec for one thread.
     *
     * @param model what the values mean; goes into each frame, and what arrives must say the same
     */
    public Int8Codec(KvModel model) {
        this(model, Int8Options.DEFAULT);
    }

    /**
     * Makes a codec for one thread.
     *
     * @param model what the values mean; goes into each frame, and what arrives must say the same
     * @param options how to encode; frames of any options are decoded
     */
    public Int8Codec(KvModel model, Int8Options options) {
        this(model, options, KernelChoice.best(), false);
    }

    /**
     * Makes a codec for one thread that compresses frames by LZ4 where that saves more than 1/64 of
     * the codes: of caches that repeat themselves, since those of ordinary ones do not.
     *
     * @param model what the values mean; goes into each frame, and what arrives must say the same
     * @param options how to encode; frames of any options are decoded
     * @return the codec, {@code int8+lz4}
     */
    public static Int8Codec compressed(KvModel model, Int8Options options) {
        return new Int8Codec(model, options, KernelChoice.best(), true);
    }

    Int8Codec(KvModel model, Int8Options options, RowKernels kernels, boolean lz4) {
        this.model = requireNonNull(model, "model");
        this.options = requireNonNull(options, "options");
        this.kernels = kernels;
        options.rawLayers().forEach(rawLayers::set);
        name = lz4 ? NAME_WITH_LZ4 : NAME;
        raw = lz4 ? new RawLz4Codec(model) : new RawCodec(model);
        var lossless = new Lossless();
        writer = new Int8Writer(kernels, lz4 ? Optional.of(lossless) : Optional.empty());
        reader = new FrameReader(kernels, lossless);
        codedFrames = Optional.of(new DeviceCodes(model, options, lz4, reader));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long maxFrameBytes(Slab slab) {
        if (passes(slab)) {
            return raw.maxFrameBytes(slab);
        }
        describe(slab);
        long bytes = Int8Writer.maxFrameBytes(header);
        if (bytes > Integer.MAX_VALUE) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "the frame of the slab may have "
                            + bytes
                            + " bytes, a KV frame holds at most "
                            + Integer.MAX_VALUE);
        }
        return bytes;
    }

    @Override
    public long encode(Slab slab, RunCursor source, MemorySegment frame) {
        if (passes(slab)) {
            return raw.encode(slab, source, frame);
        }
        long most = maxFrameBytes(slab);
        if (frame.byteSize() < most) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "room for " + frame.byteSize() + " bytes, the frame may have " + most);
        }
        return writer.write(header, source, frame);
    }

    @Override
    public void decode(MemorySegment frame, Slab slab, RunCursor target) {
        header.describe(slab, model);
        reader.read(frame, header, target);
    }

    /**
     * {@inheritDoc}
     *
     * <p>Devices code rows by token with FP32 scales, which is what the default options say; with
     * others, and with LZ4, frames are made by the host.
     */
    @Override
    public Optional<CodedFrames> codedFrames() {
        return codedFrames;
    }

    @Override
    public boolean settled() {
        return kernels.settled();
    }

    /** {@return whether the slab is sent as it is, so in scheme 0} */
    private boolean passes(Slab slab) {
        var layout = slab.layout();
        // Elements of eight bits are codes already, whose scales we do not know.
        boolean eightBits = layout.dtype().bytes() == 1;
        boolean latent = layout.form() == KvForm.LATENT;
        boolean nothingToCode = !options.keys().scaled() && (latent || !options.values().scaled());
        return eightBits || nothingToCode || rawLayers.get(slab.layer());
    }

    private void describe(Slab slab) {
        header.describe(slab, model);
        int outliers = Math.min(options.outliers(), header.keyDim / 2);
        // Of a single channel, none can be an outlier.
        boolean none = options.keys() == RowCoding.OUTLIERS && outliers == 0;
        header.quantise(
                options.asymmetric(),
                options.halfScales(),
                none ? RowCoding.TOKEN : options.keys(),
                options.values());
        header.outliers = outliers;
    }
}
