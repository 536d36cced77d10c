package io.kvwire.tck;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;

import java.util.EnumSet;
import java.util.List;
import java.util.Random;

/** Layouts for tests: two fixed ones, and random pairs that can be mapped onto each other. */
final class Layouts {
    /** A block of a layer takes 1 KiB. */
    static final KvLayout SMALL =
            KvLayout.builder().layers(2).kvHeads(2).headDim(8).tokensPerBlock(16).build();

    /** A block of a layer takes 64 KiB, so that a frame is longer than any one read of a wire. */
    static final KvLayout WIDE =
            KvLayout.builder().layers(2).kvHeads(4).headDim(64).tokensPerBlock(64).build();

    private static final int[] BLOCK_TOKENS = {16, 32, 64, 128};

    private Layouts() {}

    private static <E extends Enum<E>> E any(Random random, Class<E> type) {
        var values = List.copyOf(EnumSet.allOf(type));
        return values.get(random.nextInt(values.size()));
    }

    /** What both ends of a pair have in common. */
    static KvLayout.Builder model(Random random, boolean latent) {
        return KvLayout.builder()
                .layers(1 + random.nextInt(3))
                .kvHeads(latent ? 1 : 1 << random.nextInt(4))
                .headDim(4 + 4 * random.nextInt(4))
                .dtype(any(random, DType.class))
                .form(latent ? KvForm.LATENT : KvForm.SPLIT);
    }

    /** The model's builder turned into one of the layouts that it allows. */
    static KvLayout one(Random random, KvLayout.Builder model, boolean latent) {
        return model.tokensPerBlock(BLOCK_TOKENS[random.nextInt(BLOCK_TOKENS.length)])
                .order(any(random, KvOrder.class))
                .form(latent ? KvForm.LATENT : random.nextBoolean() ? KvForm.SPLIT : KvForm.FUSED)
                .build();
    }

    /** As many random distinct block ids as asked for. */
    static int[] scattered(Random random, int blocks, int count) {
        return random.ints(0, blocks).distinct().limit(count).toArray();
    }
}
