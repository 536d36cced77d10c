package io.kvwire.transport.spi;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Where the parts of a slab's coded form lie, which {@link QuantisedRows} describes: all places are
 * bytes from its start. Immutable and thread-safe.
 *
 * @param rows one for each token, head and part
 * @param codeBytes of all rows
 * @param restBytes of a row without a scale, beyond those in the place of its codes
 */
public record CodedForm(long rows, long codeBytes, int restBytes) {
    /** Bytes before the codes. */
    public static final int HEADER_BYTES = 8;

    private static final ValueLayout.OfInt INT =
            JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * {@return the form of a slab}
     *
     * @param slab of FP32, FP16 or BF16
     */
    public static CodedForm of(Slab slab) {
        var layout = slab.layout();
        long rows = (long) layout.form().parts() * slab.tokens().count() * slab.heads();
        int dim = layout.headDim();
        return new CodedForm(rows, rows * dim, layout.vectorBytes() - dim);
    }

    /** {@return where the scales begin} */
    public long scalesAt() {
        return (HEADER_BYTES + codeBytes + 3) & -4L;
    }

    /** {@return where the numbers of the rows without a scale begin} */
    public long listAt() {
        return scalesAt() + rows * Float.BYTES;
    }

    /**
     * {@return where the other bytes of the rows without a scale begin}
     *
     * @param unscaled how many such rows there are
     */
    public long restAt(int unscaled) {
        return listAt() + (long) unscaled * Integer.BYTES;
    }

    /**
     * {@return the length of the form}
     *
     * @param unscaled how many rows without a scale there are
     */
    public long bytes(int unscaled) {
        return restAt(unscaled) + (long) unscaled * restBytes;
    }

    /** {@return the length of the form in which no row has a scale: none is longer} */
    public long mostBytes() {
        return listAt() + rows * (Integer.BYTES + (long) restBytes);
    }

    /**
     * {@return the codes}
     *
     * @param form memory that begins with it
     */
    public MemorySegment codes(MemorySegment form) {
        return form.asSlice(HEADER_BYTES, codeBytes);
    }

    /**
     * {@return the scales}
     *
     * @param form memory that begins with it
     */
    public MemorySegment scales(MemorySegment form) {
        return form.asSlice(scalesAt(), rows * Float.BYTES);
    }

    /**
     * Writes the header.
     *
     * @param form memory that begins with it
     * @param unscaled how many rows without a scale there are
     */
    public void writeHeader(MemorySegment form, int unscaled) {
        form.set(INT, 0, unscaled);
        form.set(INT, Integer.BYTES, 0);
    }

    /**
     * {@return the number of rows without a scale that the header names; not checked}
     *
     * @param form memory that begins with it
     */
    public int unscaled(MemorySegment form) {
        return form.get(INT, 0);
    }

    /**
     * {@return the numbers of the rows whose scale is 0, ascending}
     *
     * @param form memory that begins with it, its scales in place
     * @param unscaled how many there are
     * @throws TransferException with {@link ErrorCode#INTERNAL} when there are more or fewer
     */
    public int[] rowsWithoutScale(MemorySegment form, int unscaled) {
        int[] found = new int[unscaled];
        int count = 0;
        for (int row = 0; row < rows; row++) {
            if (form.get(FLOAT, scalesAt() + (long) row * Float.BYTES) == 0) {
                if (count < unscaled) {
                    found[count] = row;
                }
                count++;
            }
        }
        if (count != unscaled) {
            throw new TransferException(
                    ErrorCode.INTERNAL,
                    count + " rows have no scale where " + unscaled + " were counted");
        }
        return found;
    }

    /**
     * Writes the list of the rows without a scale.
     *
     * @param form memory that begins with it
     * @param numbers of the rows, ascending
     */
    public void writeList(MemorySegment form, int... numbers) {
        for (int i = 0; i < numbers.length; i++) {
            form.set(INT, listAt() + (long) i * Integer.BYTES, numbers[i]);
        }
    }

    /**
     * Reads and checks lengths and row numbers, which a device would follow wherever they lead.
     *
     * @param form exactly the form
     * @return the numbers of the rows without a scale, ascending: a copy, which nobody else writes
     *     to
     * @throws TransferException with {@link ErrorCode#MALFORMED} when it is not such a form
     */
    public int[] list(MemorySegment form) {
        if (form.byteSize() < bytes(0)) {
            throw malformed(form.byteSize() + " bytes for " + rows + " rows");
        }
        int count = unscaled(form);
        if (count < 0 || count > rows || bytes(count) > form.byteSize()) {
            throw malformed(count + " rows without a scale of " + rows);
        }
        int[] numbers = new int[count];
        int last = -1;
        for (int i = 0; i < count; i++) {
            int row = form.get(INT, listAt() + (long) i * Integer.BYTES);
            if (row <= last || row >= rows) {
                throw malformed("row " + row + " without a scale");
            }
            numbers[i] = row;
            last = row;
        }
        return numbers;
    }

    private static TransferException malformed(String what) {
        return new TransferException(ErrorCode.MALFORMED, "no coded form of the slab: " + what);
    }
}
