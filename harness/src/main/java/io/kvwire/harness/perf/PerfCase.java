package io.kvwire.harness.perf;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;

import java.util.Random;

/**
 * One point of a sweep. Both ends compute the order of blocks from it, so only these numbers
 * travel.
 *
 * @param op what is measured
 * @param blockBytes bytes of one block
 * @param blockCount blocks of one transfer
 * @param workingSetBytes memory at each end; transfers walk over it
 * @param scattered whether the blocks of a transfer lie in random places at both ends
 * @param values whether blocks hold K and V in BF16, spread as a model's are, for a codec to work
 *     on; else any bytes
 */
record PerfCase(
        PerfOp op,
        long blockBytes,
        int blockCount,
        long workingSetBytes,
        boolean scattered,
        boolean values) {
    /** Larger blocks consist of several tokens of this size. */
    private static final long TOKEN_BYTES = 4096;

    private static final int SEED = 20_26;

    private static final int VALUES_HEAD_DIM = 128;

    PerfCase {
        if (blockBytes % 8 != 0 || blockBytes > 1 << 30) {
            throw new IllegalArgumentException(
                    "--block-bytes %d: need a multiple of 8, at most 1 GiB".formatted(blockBytes));
        }
        if (blockBytes > TOKEN_BYTES && blockBytes % TOKEN_BYTES != 0) {
            throw new IllegalArgumentException(
                    "--block-bytes %d: above 4 KiB, need a multiple of 4 KiB"
                            .formatted(blockBytes));
        }
        if (values && blockBytes % TOKEN_BYTES != 0) {
            throw new IllegalArgumentException(
                    "--block-bytes %d: with a codec, need a multiple of 4 KiB"
                            .formatted(blockBytes));
        }
        if (blockCount < 1 || workingSetBytes / blockBytes < blockCount) {
            throw new IllegalArgumentException(
                    "--working-set-bytes %d does not hold --block-count %d blocks of %d bytes"
                            .formatted(workingSetBytes, blockCount, blockBytes));
        }
        if (workingSetBytes / blockBytes > PerfServer.MAX_BLOCKS) {
            throw new IllegalArgumentException(
                    "%d blocks: at most %d; take larger blocks or a smaller working set"
                            .formatted(workingSetBytes / blockBytes, PerfServer.MAX_BLOCKS));
        }
    }

    int blocks() {
        return (int) (workingSetBytes / blockBytes);
    }

    /** The different transfers that the working set holds. */
    int lists() {
        return blocks() / blockCount;
    }

    int tokensPerBlock() {
        return (int) Math.max(1, blockBytes / TOKEN_BYTES);
    }

    /**
     * One layer: of a latent cache, where a block is one contiguous piece of the asked size; with
     * values, of K and V with 8 heads of 128 elements.
     */
    KvLayout layout() {
        if (values) {
            return KvLayout.builder()
                    .layers(1)
                    .kvHeads((int) (TOKEN_BYTES / 2 / VALUES_HEAD_DIM / DType.BF16.bytes()))
                    .headDim(VALUES_HEAD_DIM)
                    .tokensPerBlock(tokensPerBlock())
                    .dtype(DType.BF16)
                    .form(KvForm.SPLIT)
                    .build();
        }
        return KvLayout.builder()
                .layers(1)
                .kvHeads(1)
                .headDim((int) (blockBytes / tokensPerBlock() / DType.FP32.bytes()))
                .tokensPerBlock(tokensPerBlock())
                .dtype(DType.FP32)
                .form(KvForm.LATENT)
                .build();
    }

    /** The blocks of one end in the order in which transfers use them. */
    int[] order(boolean ofSource) {
        int[] ids = new int[blocks()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = i;
        }
        if (scattered) {
            var random = new Random(ofSource ? SEED : SEED + 1);
            for (int i = ids.length - 1; i > 0; i--) {
                int other = random.nextInt(i + 1);
                int id = ids[i];
                ids[i] = ids[other];
                ids[other] = id;
            }
        }
        return ids;
    }
}
