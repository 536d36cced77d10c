package io.kvwire.transport.spi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

class CodedFormTest {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    /** Two parts of five tokens and three heads, seven BF16 elements each. */
    private static final CodedForm FORM =
            CodedForm.of(
                    new Slab(
                            new Slab.Id(1, 1, 0, 0, 1),
                            KvLayout.builder().kvHeads(3).headDim(7).dtype(DType.BF16).build(),
                            0,
                            new TokenRange(2, 5),
                            0,
                            3));

    @Test
    void partsFollowEachOther() {
        assertEquals(30, FORM.rows());
        assertEquals(210, FORM.codeBytes());
        assertEquals(220, FORM.scalesAt(), "at the next multiple of four");
        assertEquals(340, FORM.listAt());
        assertEquals(340, FORM.bytes(0));
        assertEquals(348, FORM.restAt(2));
        assertEquals(362, FORM.bytes(2));
        assertEquals(FORM.bytes(30), FORM.mostBytes());
    }

    @Test
    void rowsWithoutAScaleAreListedAndReadBack() {
        var memory = scaled(FORM.bytes(2), 4, 29);
        FORM.writeHeader(memory, 2);
        FORM.writeList(memory, FORM.rowsWithoutScale(memory, 2));

        assertEquals(2, FORM.unscaled(memory));
        assertArrayEquals(new int[] {4, 29}, FORM.list(memory));
        for (int counted : new int[] {0, 1, 3}) {
            assertThrows(TransferException.class, () -> FORM.rowsWithoutScale(memory, counted));
        }
    }

    @Test
    void formsThatWouldLeadADeviceAstrayAreRefused() {
        refused(MemorySegment.ofArray(new byte[339]));
        for (int count : new int[] {-1, 1, 31, Integer.MAX_VALUE}) {
            var memory = scaled(FORM.bytes(0));
            FORM.writeHeader(memory, count);
            refused(memory);
        }
        for (int[] list : new int[][] {{3, 3}, {4, 3}, {-1, 3}, {3, 30}}) {
            var memory = scaled(FORM.bytes(2), 3, 4);
            FORM.writeHeader(memory, 2);
            FORM.writeList(memory, list);
            refused(memory);
        }
    }

    private static void refused(MemorySegment form) {
        var refused = assertThrows(TransferException.class, () -> FORM.list(form));
        assertEquals(ErrorCode.MALFORMED, refused.code());
    }

    /** A form whose rows all have a scale but some. */
    private static MemorySegment scaled(long bytes, int... without) {
        var memory = MemorySegment.ofArray(new byte[(int) bytes]);
        for (int row = 0; row < FORM.rows(); row++) {
            memory.set(FLOAT, FORM.scalesAt() + 4L * row, 1);
        }
        for (int row : without) {
            memory.set(FLOAT, FORM.scalesAt() + 4L * row, 0);
        }
        return memory;
    }
}
