package io.kvwire.ffi.kernels;

import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.spi.Slab;

import java.util.ArrayList;
import java.util.List;

/** The order of rows in a frame, as the loops of docs/spec/kv-frame.md, and where each row lies. */
final class FrameOrder {

    record Row(int part, int token, int head) {}

    private FrameOrder() {}

    static List<Row> of(Slab slab) {
        var rows = new ArrayList<Row>();
        var layout = slab.layout();
        int parts = layout.form().parts();
        int size = layout.tokensPerBlock();
        int firstBlock = slab.tokens().first() / size;
        int lastBlock = (slab.tokens().end() - 1) / size;
        if (layout.form() == KvForm.FUSED) {
            for (int block = firstBlock; block <= lastBlock; block++) {
                for (int part = 0; part < parts; part++) {
                    body(rows, slab, part, block);
                }
            }
        } else {
            for (int part = 0; part < parts; part++) {
                for (int block = firstBlock; block <= lastBlock; block++) {
                    body(rows, slab, part, block);
                }
            }
        }
        return rows;
    }

    private static void body(List<Row> rows, Slab slab, int part, int block) {
        int size = slab.layout().tokensPerBlock();
        int start = Math.max(slab.tokens().first(), block * size);
        int end = Math.min(slab.tokens().end(), (block + 1) * size);
        if (slab.layout().order() == KvOrder.NHD) {
            for (int token = start; token < end; token++) {
                for (int head = 0; head < slab.heads(); head++) {
                    rows.add(new Row(part, token, slab.firstHead() + head));
                }
            }
        } else {
            for (int head = 0; head < slab.heads(); head++) {
                for (int token = start; token < end; token++) {
                    rows.add(new Row(part, token, slab.firstHead() + head));
                }
            }
        }
    }

    /** Bytes from the start of the cache to a row. */
    static long at(KvRows rows, int[] table, Row row) {
        var cache = rows.cache();
        long start =
                row.part() == 0 ? rows.placement().keyOffset() : rows.placement().valueOffset();
        return start
                + table[row.token() / cache.tokensPerBlock()] * rows.placement().blockStride()
                + row.token() % cache.tokensPerBlock() * cache.tokenStride()
                + (row.head() - cache.firstHead()) * cache.headStride();
    }
}
