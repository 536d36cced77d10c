package io.kvwire.transport;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * The scales of an FP8 or INT8 cache whose scales are not among its elements: a value is its
 * element times a scale, one for each layer, or one for each KV head of each layer, apart for K and
 * V. They belong to a {@link KvLayout} and are told to peers with it, since elements that are moved
 * as they are mean nothing under other scales.
 *
 * <p>Immutable. Scales are equal when they have the same bits.
 */
public final class KvScales {
    /** Nothing is known of scales, or there are none. */
    public static final KvScales NONE = new KvScales(false, 0, new float[0], new float[0]);

    private final boolean perHead;
    private final int heads;
    private final float[] key;
    private final float[] value;

    /** Takes arrays that nobody else has, layer by layer. */
    private KvScales(boolean perHead, int heads, float[] key, float[] value) {
        this.perHead = perHead;
        this.heads = heads;
        this.key = key;
        this.value = value;
        if (value.length != 0 && value.length != key.length) {
            throw new IllegalArgumentException(
                    key.length
                            + " scales of K and "
                            + value.length
                            + " of V: need as many, or none of V for a latent");
        }
        requireScales("K", key);
        requireScales("V", value);
    }

    private static void requireScales(String part, float[] scales) {
        for (float scale : scales) {
            if (!(scale > 0 && scale <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException(
                        "a scale of " + part + " is " + scale + ": need a finite number above 0");
            }
        }
    }

    /**
     * {@return one scale for each layer's K and one for its V}
     *
     * @param key of K, or of the latent, in order of layers; above 0 and finite
     * @param value of V, as many; none for a latent
     * @throws IllegalArgumentException when numbers are out of range or not as many as they should
     */
    public static KvScales perLayer(float[] key, float[] value) {
        requireSome(key.length);
        return new KvScales(false, 1, key.clone(), value.clone());
    }

    /**
     * {@return one scale for each KV head of each layer's K and V}
     *
     * @param key of K, for each layer as many as the rank has heads, in order of heads; above 0 and
     *     finite
     * @param value of V, as many
     * @throws IllegalArgumentException when numbers are out of range or not as many as they should
     */
    public static KvScales perHead(float[][] key, float[][] value) {
        requireSome(key.length);
        int heads = key[0].length;
        requireSome(heads);
        return new KvScales(true, heads, flat(key, heads), flat(value, heads));
    }

    private static void requireSome(int count) {
        if (count == 0) {
            throw new IllegalArgumentException("no scales: use KvScales.NONE");
        }
    }

    private static float[] flat(float[][] layers, int heads) {
        var all = new float[layers.length * heads];
        for (int i = 0; i < layers.length; i++) {
            if (layers[i].length != heads) {
                throw new IllegalArgumentException(
                        "layer "
                                + i
                                + " has scales of "
                                + layers[i].length
                                + " heads, layer 0 of "
                                + heads);
            }
            System.arraycopy(layers[i], 0, all, i * heads, heads);
        }
        return all;
    }

    /** {@return whether there are scales} */
    public boolean stated() {
        return heads > 0;
    }

    /** {@return whether each head has scales of its own} */
    public boolean perHead() {
        return perHead;
    }

    /**
     * {@return the scale of the K, or of the latent, of a head}
     *
     * @param layer from 0
     * @param head of those that the rank holds, from 0
     * @throws IndexOutOfBoundsException when there is none
     */
    public float key(int layer, int head) {
        return key[index(key, layer, head)];
    }

    /**
     * {@return the scale of the V of a head}
     *
     * @param layer from 0
     * @param head of those that the rank holds, from 0
     * @throws IndexOutOfBoundsException when there is none; a latent has none
     */
    public float value(int layer, int head) {
        return value[index(value, layer, head)];
    }

    private int index(float[] scales, int layer, int head) {
        Objects.checkIndex(layer, heads == 0 ? 0 : scales.length / heads);
        return perHead ? layer * heads + Objects.checkIndex(head, heads) : layer;
    }

    /** Checks that these are the scales of a cache of this shape, which is not made yet. */
    void requireFit(int layers, int headsOfRank, DType dtype, KvForm form) {
        if (!stated()) {
            return;
        }
        if (dtype.bytes() != 1) {
            throw new IllegalArgumentException(
                    "scales belong to FP8 and INT8 elements, not to " + dtype);
        }
        int each = perHead ? headsOfRank : 1;
        if (heads != each
                || key.length != (long) layers * each
                || value.length != key.length * (form.parts() - 1)) {
            throw new IllegalArgumentException(
                    "%s, %d of K and %d of V: need %d x %d of K and %s of V"
                            .formatted(
                                    this,
                                    key.length,
                                    value.length,
                                    layers,
                                    each,
                                    form == KvForm.LATENT ? "none" : "as many"));
        }
    }

    /** What is known of the scales of another rank: those of its heads are not. */
    KvScales elsewhere() {
        return perHead ? NONE : this;
    }

    /**
     * Says which scales differ of heads that both ranks hold, if both sides state any.
     *
     * @param source one side
     * @param target the other side, of as many layers and parts
     */
    static Optional<String> difference(KvLayout source, KvLayout target) {
        var left = source.scales();
        var right = target.scales();
        if (!left.stated() || !right.stated()) {
            return Optional.empty();
        }
        boolean heads = left.perHead || right.perHead;
        int first = heads ? Math.max(source.firstHead(), target.firstHead()) : 0;
        int end =
                heads
                        ? Math.min(
                                source.firstHead() + source.heads(),
                                target.firstHead() + target.heads())
                        : 1;
        for (int layer = 0; layer < source.layers(); layer++) {
            for (int head = first; head < end; head++) {
                int from = head - source.firstHead();
                int to = head - target.firstHead();
                boolean keys = left.key(layer, from) != right.key(layer, to);
                boolean values =
                        left.value.length > 0 && left.value(layer, from) != right.value(layer, to);
                if (keys || values) {
                    return Optional.of(
                            "scales differ: %s of layer %d%s: %s and %s"
                                    .formatted(
                                            keys ? "K" : "V",
                                            layer,
                                            heads ? ", KV head " + head : "",
                                            keys ? left.key(layer, from) : left.value(layer, from),
                                            keys ? right.key(layer, to) : right.value(layer, to)));
                }
            }
        }
        return Optional.empty();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KvScales that
                && perHead == that.perHead
                && heads == that.heads
                && Arrays.equals(key, that.key)
                && Arrays.equals(value, that.value);
    }

    @Override
    public int hashCode() {
        return Objects.hash(perHead, heads, Arrays.hashCode(key), Arrays.hashCode(value));
    }

    /**
     * {@return for people: {@code no scales}, {@code scales per layer}, {@code scales per head}}
     */
    @Override
    public String toString() {
        return !stated() ? "no scales" : perHead ? "scales per head" : "scales per layer";
    }
}
