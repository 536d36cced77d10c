package io.kvwire.ffi.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

class KvRowsTest {

    private static final KvLayout LAYOUT =
            KvLayout.builder().layers(1).kvHeads(2).headDim(8).tokensPerBlock(4).build();
    private static final long CACHE_BYTES = 10 * LAYOUT.blockBytes();

    @Test
    void aBlockTableThatLeadsOutsideIsRefused() {
        var rows = rows(new TokenRange(2, 6), 0, 2);
        rows.requireInside(new int[] {9, 0}, CACHE_BYTES, CACHE_BYTES);
        rows.requireInside(new int[] {0, 9, 99}, CACHE_BYTES, CACHE_BYTES);
        for (var table : new int[][] {{10, 0}, {0, -1}, {0, Integer.MAX_VALUE}, {0}}) {
            var failure =
                    assertThrows(
                            TransferException.class,
                            () -> rows.requireInside(table, CACHE_BYTES, CACHE_BYTES));
            assertEquals(ErrorCode.OUT_OF_RANGE, failure.code());
        }
    }

    @Test
    void headsAndDtypesThatTheCacheLacksAreRefused() {
        assertEquals(
                ErrorCode.INCOMPATIBLE_LAYOUT,
                assertThrows(
                                TransferException.class,
                                () -> {
                                    var other =
                                            KvLayout.builder()
                                                    .layers(1)
                                                    .kvHeads(2)
                                                    .headDim(8)
                                                    .dtype(DType.FP32)
                                                    .build();
                                    var slab = rows(new TokenRange(0, 1), 0, 2).slab();
                                    new KvRows(slab, other, placement());
                                })
                        .code());
        var left =
                KvLayout.builder()
                        .layers(1)
                        .kvHeads(2)
                        .headDim(8)
                        .tokensPerBlock(4)
                        .tensorParallel(0, 2)
                        .build();
        var both = rows(new TokenRange(0, 1), 0, 2).slab();
        assertEquals(
                ErrorCode.OUT_OF_RANGE,
                assertThrows(TransferException.class, () -> new KvRows(both, left, placement()))
                        .code());
    }

    @Test
    void whatShipsNamesEveryKernel() {
        for (var kernel :
                new String[] {
                    "kv_gather",
                    "kv_scatter",
                    "kv_quantise_gather",
                    "kv_dequantise_scatter",
                    "kv_take_unscaled",
                    "kv_place_unscaled"
                }) {
            assertTrue(KernelSource.ptx().contains(".visible .entry " + kernel + "("), kernel);
            assertTrue(KernelSource.cuda().contains("KV_KERNEL " + kernel + "("), kernel);
            var spirV = new String(KernelSource.spirV(), StandardCharsets.ISO_8859_1);
            assertTrue(spirV.contains(kernel), kernel);
        }
    }

    private static KvRows rows(TokenRange tokens, int firstHead, int heads) {
        var slab = new Slab(new Slab.Id(1, 1, 1, 0, 1), LAYOUT, 0, tokens, firstHead, heads);
        return new KvRows(slab, LAYOUT, placement());
    }

    private static LayerPlacement placement() {
        return LayerPlacement.dense(LAYOUT, MemorySegment.NULL, 10);
    }
}
