package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

class BlockTableTest {
    private static final BlockTable TABLE =
            BlockTable.of(0x1122334455667788L, new int[] {7, 0, 3}, new int[] {-1, 2, 9});

    @Test
    void positionsGiveIdsAndGenerations() {
        assertEquals(3, TABLE.size());
        assertEquals(7, TABLE.id(0));
        assertEquals(-1, TABLE.generation(0));
        assertEquals(new BlockRef(3, 9), TABLE.block(2));
        assertEquals(0x1122334455667788L, TABLE.incarnation());
        assertArrayEquals(new int[] {7, 0, 3}, TABLE.ids());
        assertEquals("BlockTable[3 blocks, first 7]", TABLE.toString());
    }

    @Test
    void laterChangesOfTheArraysDoNotReachTheTable() {
        int[] ids = {1, 2};
        int[] generations = {3, 4};
        var table = BlockTable.of(0, ids, generations);

        ids[0] = 9;
        generations[0] = 9;
        table.ids()[1] = 9;

        assertEquals(new BlockRef(1, 3), table.block(0));
        assertEquals(new BlockRef(2, 4), table.block(1));
    }

    @Test
    void theEncodingIsFixed() {
        assertEquals(
                "8877665544332211"
                        + "03000000"
                        + "07000000ffffffff"
                        + "0000000002000000"
                        + "0300000009000000",
                HexFormat.of().formatHex(TABLE.encode()));
    }

    @Property(tries = 200)
    void whatIsEncodedIsDecoded(
            @ForAll long incarnation,
            @ForAll @Size(max = 50) List<@IntRange(max = Integer.MAX_VALUE) Integer> blocks,
            @ForAll int seed) {
        var ids = blocks.stream().mapToInt(Integer::intValue).toArray();
        var generations = Arrays.stream(ids).map(id -> id * 31 + seed).toArray();
        var table = BlockTable.of(incarnation, ids, generations);

        var decoded = BlockTable.decode(table.encode());

        assertEquals(table, decoded);
        assertEquals(table.hashCode(), decoded.hashCode());
    }

    @Property(tries = 500)
    void bytesThatAreNoTableAreRefusedAsMalformed(@ForAll @Size(max = 64) byte[] bytes) {
        try {
            assertArrayEquals(bytes, BlockTable.decode(bytes).encode());
        } catch (TransferException e) {
            assertEquals(ErrorCode.MALFORMED, e.code());
        }
    }

    @Test
    void everyTruncationAndEveryTrailingByteIsRefused() {
        byte[] whole = TABLE.encode();
        for (int length = 0; length < whole.length; length++) {
            assertMalformed(Arrays.copyOf(whole, length));
        }
        assertMalformed(Arrays.copyOf(whole, whole.length + 1));
    }

    @Test
    void wildCountsAreRefusedBeforeAnythingIsAllocatedForThem() {
        assertMalformed(HexFormat.of().parseHex("0000000000000000" + "ffffff7f"));
        assertMalformed(HexFormat.of().parseHex("0000000000000000" + "ffffffff"));
        assertMalformed(HexFormat.of().parseHex("0000000000000000" + "00000020"));
    }

    @Test
    void aNegativeIdIsRefusedWithItsPosition() {
        byte[] bytes = TABLE.encode();
        bytes[12 + 8 + 3] = (byte) 0x80;

        var refusal = assertThrows(TransferException.class, () -> BlockTable.decode(bytes));

        assertTrue(refusal.getMessage().endsWith("at position 1"), refusal.getMessage());
    }

    @Test
    void arraysThatDoNotFitAreRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> BlockTable.of(0, new int[] {1}, new int[] {1, 2}));
        assertThrows(
                IllegalArgumentException.class,
                () -> BlockTable.of(0, new int[] {-1}, new int[] {1}));
        var tooMany = new int[BlockTable.MAX_BLOCKS + 1];
        assertThrows(IllegalArgumentException.class, () -> BlockTable.of(0, tooMany, tooMany));
    }

    @Test
    void tablesDifferByEveryPart() {
        int[] ids = {7, 0, 3};
        int[] generations = {-1, 2, 9};
        long incarnation = TABLE.incarnation();
        assertEquals(TABLE, BlockTable.of(incarnation, ids, generations));
        assertNotEquals(TABLE, BlockTable.of(incarnation + 1, ids, generations));
        assertNotEquals(TABLE, BlockTable.of(incarnation, new int[] {7, 0, 4}, generations));
        assertNotEquals(TABLE, BlockTable.of(incarnation, ids, new int[] {-1, 2, 8}));
    }

    private static void assertMalformed(byte[] bytes) {
        var refusal = assertThrows(TransferException.class, () -> BlockTable.decode(bytes));
        assertEquals(ErrorCode.MALFORMED, refusal.code());
    }
}
