package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The control messages of views, as docs/spec/wire-format.md fixes them. */
final class ViewMessages {
    /** The longest token of a wire, in bytes. */
    static final int MAX_TOKEN_BYTES = 64 << 10;

    private static final int MAX_LAYERS = 1 << 16;
    private static final int LAYER_BYTES = 2 * Integer.BYTES + 3 * Long.BYTES;

    private ViewMessages() {}

    /**
     * A request to read blocks in place.
     *
     * @param viewId the reader's
     * @param cache at the owner
     */
    record Ask(long viewId, long leaseId, int cache, BlockTable blocks) {
        MessageWriter encode() {
            return new MessageWriter(ControlMessages.VIEW)
                    .u64(viewId)
                    .u64(leaseId)
                    .u32(cache)
                    .bytes(blocks.encode());
        }

        static Ask decode(MessageReader in) {
            long viewId = in.u64();
            long leaseId = in.u64();
            int cache = in.u32();
            byte[] table = in.bytes(Integer.MAX_VALUE);
            in.end();
            return new Ask(viewId, leaseId, cache, BlockTable.decode(table));
        }
    }

    /**
     * Where one layer lies in the segments that are shown: as {@link LayerPlacement}, with the
     * numbers of the segments.
     */
    record Place(int key, long keyOffset, int value, long valueOffset, long blockStride) {
        static Place of(LayerPlacement layer, List<MemorySegment> shown) {
            return new Place(
                    number(layer.key(), shown),
                    layer.keyOffset(),
                    Math.max(0, number(layer.value(), shown)), // none, where it is a latent
                    layer.valueOffset(),
                    layer.blockStride());
        }

        private static int number(MemorySegment memory, List<MemorySegment> shown) {
            for (int i = 0; i < shown.size(); i++) {
                if (shown.get(i) == memory) {
                    return i;
                }
            }
            return -1;
        }

        LayerPlacement in(List<MemorySegment> shown) {
            if (key < 0 || key >= shown.size() || value < 0 || value >= shown.size()) {
                throw MessageReader.malformed("a view of a segment that is not shown");
            }
            return new LayerPlacement(
                    shown.get(key), keyOffset, shown.get(value), valueOffset, blockStride);
        }
    }

    /**
     * The owner's consent.
     *
     * @param leaseNanos how long a renewal of the lease should last
     * @param token opens the memory, see {@link io.kvwire.transport.spi.MemoryGrant}
     */
    @SuppressWarnings("ArrayRecordComponent") // a message: made, encoded, dropped; never compared
    record Answer(long viewId, long leaseNanos, byte[] token, List<Place> layers) {
        MessageWriter encode() {
            var out =
                    new MessageWriter(ControlMessages.VIEWED)
                            .u64(viewId)
                            .u64(leaseNanos)
                            .bytes(token)
                            .u32(layers.size());
            for (var layer : layers) {
                out.u32(layer.key)
                        .u64(layer.keyOffset)
                        .u32(layer.value)
                        .u64(layer.valueOffset)
                        .u64(layer.blockStride);
            }
            return out;
        }

        static Answer decode(MessageReader in) {
            long viewId = in.u64();
            long leaseNanos = in.u64();
            byte[] token = in.bytes(MAX_TOKEN_BYTES);
            int count = in.count(MAX_LAYERS, LAYER_BYTES);
            var layers = new ArrayList<Place>(count);
            for (int i = 0; i < count; i++) {
                layers.add(new Place(in.u32(), in.u64(), in.u32(), in.u64(), in.u64()));
            }
            in.end();
            if (leaseNanos < 1) {
                throw MessageReader.malformed("a lease of " + leaseNanos + " ns");
            }
            return new Answer(viewId, leaseNanos, token, layers);
        }
    }

    /** What the owner says when it refuses a view, or takes its blocks back. */
    static MessageWriter ended(long viewId, TransferException reason) {
        return new MessageWriter(ControlMessages.VIEW_ENDED)
                .u64(viewId)
                .u32(reason.code().number())
                .text(ControlMessages.reason(reason));
    }

    /** What the reader says when it needs the blocks no more. */
    static MessageWriter closed(long viewId) {
        return new MessageWriter(ControlMessages.VIEW_CLOSED).u64(viewId);
    }
}
