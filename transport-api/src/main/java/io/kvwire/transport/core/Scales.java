package io.kvwire.transport.core;

import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvScales;

/** How the scales of a cache follow its layout in control messages. */
final class Scales {
    private static final int NONE = 0;
    private static final int PER_LAYER = 1;
    private static final int PER_HEAD = 2;

    private Scales() {}

    static void write(MessageWriter out, KvLayout layout) {
        var scales = layout.scales();
        if (!scales.stated()) {
            out.u8(NONE);
            return;
        }
        int parts = layout.form().parts();
        int each = scales.perHead() ? layout.heads() : 1;
        out.u8(scales.perHead() ? PER_HEAD : PER_LAYER).u32(layout.layers() * each * parts);
        for (int part = 0; part < parts; part++) {
            for (int layer = 0; layer < layout.layers(); layer++) {
                for (int head = 0; head < each; head++) {
                    float scale = part == 0 ? scales.key(layer, head) : scales.value(layer, head);
                    out.u32(Float.floatToRawIntBits(scale));
                }
            }
        }
    }

    /**
     * Reads what {@link #write} wrote.
     *
     * @param layout what stood before, without scales
     */
    static KvScales read(MessageReader in, KvLayout layout) {
        int kind = in.u8();
        if (kind == NONE) {
            return KvScales.NONE;
        }
        if (kind > PER_HEAD) {
            throw MessageReader.malformed("unknown kind of scales " + kind);
        }
        int each = kind == PER_HEAD ? layout.heads() : 1;
        int parts = layout.form().parts();
        int count = in.count(Integer.MAX_VALUE, Float.BYTES);
        if (count != (long) layout.layers() * each * parts) {
            throw MessageReader.malformed(
                    "%d scales of %d layers, %d each".formatted(count, layout.layers(), each));
        }
        if (kind == PER_LAYER) {
            var key = floats(in, layout.layers());
            return KvScales.perLayer(key, floats(in, count - layout.layers()));
        }
        var key = floats(in, layout.layers(), each);
        return KvScales.perHead(key, floats(in, (parts - 1) * layout.layers(), each));
    }

    private static float[][] floats(MessageReader in, int layers, int each) {
        var all = new float[layers][];
        for (int i = 0; i < layers; i++) {
            all[i] = floats(in, each);
        }
        return all;
    }

    private static float[] floats(MessageReader in, int count) {
        var all = new float[count];
        for (int i = 0; i < count; i++) {
            all[i] = Float.intBitsToFloat(in.u32());
        }
        return all;
    }
}
