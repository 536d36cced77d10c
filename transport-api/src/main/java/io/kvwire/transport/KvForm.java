package io.kvwire.transport;

/** How the K and the V of one layer lie relative to each other. */
public enum KvForm {
    /** Two planes: {@code [2][blocks][block]}; the K of neighbouring blocks is contiguous. */
    SPLIT(2),
    /** K and V side by side in each block: {@code [blocks][2][block]}. */
    FUSED(2),
    /**
     * Multi-head latent attention: one vector per token and layer, shared by all heads and
     * replicated over tensor-parallel ranks.
     */
    LATENT(1);

    private final int parts;

    KvForm(int parts) {
        this.parts = parts;
    }

    /** {@return the number of parts in a block: 2 for K and V, 1 for a latent} */
    public int parts() {
        return parts;
    }
}
