package io.kvwire.codec;

import io.kvwire.transport.DType;

/**
 * Where the sections of a frame lie and how long they must be: pure functions of its header, in
 * {@code long}, so that nothing wraps however bad the header is.
 */
final class FrameSections {
    static final int ALIGNMENT = 64;

    private FrameSections() {}

    /** {@return the vectors of K, or of the latent, or of V} */
    static long rowsOfPart(FrameHeader header) {
        return (long) header.tokens * header.heads;
    }

    /** {@return the bytes of one row of source elements} */
    static long rowBytes(FrameHeader header) {
        return (long) header.keyDim * header.sourceDtype.bytes();
    }

    /** {@return the bytes of the codes when no lossless codec is used} */
    static long plainCodes(FrameHeader header) {
        if (header.scheme == FrameHeader.SCHEME_RAW) {
            return header.rawBytes;
        }
        long rows = rowsOfPart(header);
        return rows
                * (codesOfRow(header, header.keys)
                        + (header.valueDim == 0 ? 0 : codesOfRow(header, header.values)));
    }

    /** {@return the bytes that one row has in the codes section} */
    static long codesOfRow(FrameHeader header, RowCoding coding) {
        return coding == RowCoding.RAW ? rowBytes(header) : header.keyDim;
    }

    /** {@return the scales that belong to channels, ahead of those that belong to rows} */
    static long channelScales(FrameHeader header) {
        return header.keys == RowCoding.CHANNEL ? (long) header.heads * header.keyDim : 0;
    }

    /** {@return the rows that have a scale of their own, or +0 in its place} */
    static long scaledRows(FrameHeader header) {
        long parts = header.keys.rowScaled() ? 1 : 0;
        if (header.valueDim != 0 && header.values.rowScaled()) {
            parts++;
        }
        return parts * rowsOfPart(header);
    }

    /** {@return the scales of channels and of rows} */
    static long scales(FrameHeader header) {
        return channelScales(header) + scaledRows(header);
    }

    /** {@return the bytes of the scales section, offsets included} */
    static long scaleBytes(FrameHeader header) {
        if (header.scheme == FrameHeader.SCHEME_RAW) {
            return 0;
        }
        long numbers = header.scheme == FrameHeader.SCHEME_ASYMMETRIC ? 2 : 1;
        return numbers * scales(header) * DType.of(header.scaleDtype).bytes();
    }

    /** {@return the bytes of the auxiliary section that outlier channels take} */
    static long outlierBytes(FrameHeader header) {
        long numbers = (long) header.heads * header.outliers * Short.BYTES;
        long elements = rowsOfPart(header) * header.outliers * header.sourceDtype.bytes();
        return numbers + elements;
    }

    /** {@return what the auxiliary section holds of a row without a scale} */
    static long restOfRow(FrameHeader header) {
        return rowBytes(header) - header.keyDim;
    }

    /** {@return where a section of so many bytes starts behind what ends at {@code end}} */
    static long after(long end, long section) {
        return section == 0 ? end : Math.ceilDiv(end, ALIGNMENT) * ALIGNMENT;
    }

    /** {@return the end of a frame's payload whose sections are so long, from its start} */
    static long wireBytes(long codes, long scales, long auxiliary) {
        long end = after(codes, scales) + scales;
        return after(end, auxiliary) + auxiliary;
    }

    /** {@return where the scales section of a frame with these lengths starts} */
    static int scalesAt(FrameHeader header) {
        return (int) after(FrameHeader.BYTES + (long) header.codeBytes, header.scaleBytes);
    }

    /** {@return where its auxiliary section starts} */
    static int auxiliaryAt(FrameHeader header) {
        return (int) after((long) scalesAt(header) + header.scaleBytes, header.auxiliaryBytes);
    }
}
