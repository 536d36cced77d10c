package io.kvwire.transport;

/**
 * How the K and the V of one layer lie relative to each other. The numbers are part of the wire
 * format and never change.
 */
public enum KvForm {
    /** Two planes: {@code [2][blocks][block]}; the K of neighbouring blocks is contiguous. */
    SPLIT(0, 2),
    /** K and V side by side in each block: {@code [blocks][2][block]}. */
    FUSED(1, 2),
    /**
     * Multi-head latent attention: one vector per token and layer, shared by all heads and
     * replicated over tensor-parallel ranks.
     */
    LATENT(2, 1);

    private final int number;
    private final int parts;

    KvForm(int number, int parts) {
        this.number = number;
        this.parts = parts;
    }

    /** {@return the number that stands for this form on the wire and in frames} */
    public int number() {
        return number;
    }

    /** {@return the number of parts in a block: 2 for K and V, 1 for a latent} */
    public int parts() {
        return parts;
    }

    /**
     * {@return the form with a number}
     *
     * @param number from a peer
     * @throws TransferException with {@link ErrorCode#MALFORMED} when there is none
     */
    public static KvForm of(int number) {
        return switch (number) {
            case 0 -> SPLIT;
            case 1 -> FUSED;
            case 2 -> LATENT;
            default ->
                    throw new TransferException(
                            ErrorCode.MALFORMED, "unknown form of K and V " + number);
        };
    }
}
