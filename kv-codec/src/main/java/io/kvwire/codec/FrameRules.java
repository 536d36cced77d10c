package io.kvwire.codec;

import static io.kvwire.codec.FrameHeader.FLAG_K;
import static io.kvwire.codec.FrameHeader.FLAG_LAST;
import static io.kvwire.codec.FrameHeader.FLAG_LOSSLESS;
import static io.kvwire.codec.FrameHeader.FLAG_PASSTHROUGH;
import static io.kvwire.codec.FrameHeader.FLAG_UNSCALED_ROWS;
import static io.kvwire.codec.FrameHeader.FLAG_V;
import static io.kvwire.codec.FrameHeader.KNOWN_FLAGS;
import static io.kvwire.codec.FrameHeader.MAX_RAW_BYTES;
import static io.kvwire.codec.FrameHeader.MAX_U16;
import static io.kvwire.codec.FrameHeader.MAX_WIRE_BYTES;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TransferException;

/** The rules of docs/spec/kv-frame.md for the fields of a header, whoever wrote it. */
final class FrameRules {
    static final int MAX_OUTLIERS = 64;

    /** A lossless codec saves more than one of so many bytes, or is not used. */
    static final int LEAST_SAVED = 64;

    private FrameRules() {}

    /**
     * Checks every rule that holds for all frames, then those of the scheme.
     *
     * @throws TransferException with MALFORMED, naming the field
     */
    static void check(FrameHeader header) {
        int flags = header.flags;
        exactly("undefined flags", flags & ~KNOWN_FLAGS, 0);
        exactly("flag K", flags & FLAG_K, FLAG_K);
        boolean latent = header.form == KvForm.LATENT;
        exactly("flag V", flags & FLAG_V, latent ? 0 : FLAG_V);
        inRange("layer", header.layer, 0, KvLayout.MAX_EXTENT - 1);
        inRange("first token", header.firstToken, 0, Integer.MAX_VALUE);
        inRange("tokens", header.tokens, 1, Integer.MAX_VALUE - header.firstToken);
        inRange("tokens per block", header.tokensPerBlock, 1, KvLayout.MAX_EXTENT);
        inRange("heads", header.heads, 1, MAX_U16 - header.firstHead);
        inRange("key dim", header.keyDim, 1, MAX_U16);
        exactly("value dim", header.valueDim, latent ? 0 : header.keyDim);
        inRange("chunks", header.chunks, 1, Integer.MAX_VALUE);
        inRange("chunk", header.chunk, 0, header.chunks - 1);
        boolean last = header.chunk == header.chunks - 1;
        exactly("flag last", flags & FLAG_LAST, last ? FLAG_LAST : 0);
        checkLengths(header);
        checkLossless(header);
        switch (header.scheme) {
            case FrameHeader.SCHEME_RAW -> checkRaw(header);
            case FrameHeader.SCHEME_SYMMETRIC, FrameHeader.SCHEME_ASYMMETRIC -> checkInt8(header);
            default -> throw malformed("unknown scheme " + header.scheme);
        }
    }

    private static void checkLengths(FrameHeader header) {
        // Below 2^36 for one token, so that only the last product can wrap.
        long tokenBytes =
                (long) header.heads
                        * (header.keyDim + header.valueDim)
                        * header.sourceDtype.bytes();
        inRange("tokens of this size", header.tokens, 1, MAX_RAW_BYTES / tokenBytes);
        exactly("raw bytes", header.rawBytes, header.tokens * tokenBytes);
        inRange("code bytes", header.codeBytes, 1, MAX_WIRE_BYTES);
        inRange("scale bytes", header.scaleBytes, 0, MAX_WIRE_BYTES);
        inRange("auxiliary bytes", header.auxiliaryBytes, 0, MAX_WIRE_BYTES);
        long end =
                FrameSections.wireBytes(header.codeBytes, header.scaleBytes, header.auxiliaryBytes);
        inRange("sections together", end, 1, MAX_WIRE_BYTES);
        exactly("wire bytes", header.wireBytes, end);
    }

    private static void checkLossless(FrameHeader header) {
        inRange("lossless codec", header.losslessCodec, 0, FrameHeader.LOSSLESS_LZ4);
        boolean lossless = header.losslessCodec != 0;
        exactly("flag lossless", header.flags & FLAG_LOSSLESS, lossless ? FLAG_LOSSLESS : 0);
        boolean planes =
                lossless
                        && header.scheme == FrameHeader.SCHEME_RAW
                        && header.sourceDtype.bytes() > 1;
        inRange(
                "plane transform",
                header.planeTransform,
                0,
                planes ? FrameHeader.PLANES_OF_BYTES : 0);
    }

    private static void checkRaw(FrameHeader header) {
        exactly("flag passthrough", header.flags & FLAG_PASSTHROUGH, FLAG_PASSTHROUGH);
        exactly("flag unscaled rows", header.flags & FLAG_UNSCALED_ROWS, 0);
        exactly("code dtype", header.codeDtype.number(), header.sourceDtype.number());
        exactly("scale dtype", header.scaleDtype, 0);
        exactly("rounding", header.rounding, 0);
        exactly("coding of keys", header.keys.number(), 0);
        exactly("coding of values", header.values.number(), 0);
        exactly("outlier channels", header.outliers, 0);
        exactly("group size", header.groupSize, 0);
        checkCodes(header);
        exactly("scale bytes", header.scaleBytes, 0);
        exactly("auxiliary bytes", header.auxiliaryBytes, 0);
        if (header.losslessCodec == 0) {
            exactly("decoded CRC", header.decodedCrc, header.wireCrc);
        }
    }

    private static void checkInt8(FrameHeader header) {
        boolean symmetric = header.scheme == FrameHeader.SCHEME_SYMMETRIC;
        exactly("flag passthrough", header.flags & FLAG_PASSTHROUGH, 0);
        inRange("source dtype", header.sourceDtype.number(), 0, DType.BF16.number());
        exactly("code dtype", header.codeDtype.number(), DType.INT8.number());
        inRange("scale dtype", header.scaleDtype, 0, symmetric ? DType.FP16.number() : 0);
        exactly("rounding", header.rounding, FrameHeader.ROUND_TO_EVEN);
        exactly("group size", header.groupSize, header.keyDim);
        checkCodings(header, symmetric);
        checkCodes(header);
        exactly("scale bytes", header.scaleBytes, FrameSections.scaleBytes(header));
        long unscaled = header.auxiliaryBytes - FrameSections.outlierBytes(header);
        long rest = FrameSections.restOfRow(header);
        inRange("auxiliary bytes", unscaled, 0, FrameSections.scaledRows(header) * rest);
        exactly("auxiliary bytes of part of a row", unscaled % rest, 0);
        exactly(
                "flag unscaled rows",
                header.flags & FLAG_UNSCALED_ROWS,
                unscaled == 0 ? 0 : FLAG_UNSCALED_ROWS);
    }

    private static void checkCodings(FrameHeader header, boolean symmetric) {
        if (header.keys == RowCoding.CHANNEL && !symmetric) {
            throw malformed("keys by channel are not asymmetric");
        }
        boolean latent = header.form == KvForm.LATENT;
        if (!header.keys.scaled() && (latent || !header.values.scaled())) {
            throw malformed("all rows are raw in a scheme with codes");
        }
        if (latent) {
            exactly("coding of values", header.values.number(), 0);
        }
        if (header.values == RowCoding.CHANNEL || header.values == RowCoding.OUTLIERS) {
            throw malformed("coding " + header.values + " is not one of values");
        }
        boolean outliers = header.keys == RowCoding.OUTLIERS;
        inRange(
                "outlier channels",
                header.outliers,
                outliers ? 1 : 0,
                outliers ? Math.min(MAX_OUTLIERS, header.keyDim - 1) : 0);
    }

    /** Code bytes: exactly those of the scheme, or fewer by what a lossless codec must save. */
    private static void checkCodes(FrameHeader header) {
        long plain = FrameSections.plainCodes(header);
        if (header.losslessCodec == 0) {
            exactly("code bytes", header.codeBytes, plain);
        } else {
            inRange("code bytes", header.codeBytes, 1, plain - plain / LEAST_SAVED - 1);
        }
    }

    static void exactly(String field, long value, long rule) {
        if (value != rule) {
            throw malformed(field + " is " + value + ", must be " + rule);
        }
    }

    private static void inRange(String field, long value, long least, long most) {
        if (value < least || value > most) {
            throw malformed(field + " is " + value + ", must be " + least + " to " + most);
        }
    }

    static TransferException malformed(String why) {
        return new TransferException(ErrorCode.MALFORMED, "KV frame: " + why);
    }
}
