package io.kvwire.harness.split;

/** How the KV cache of a prompt gets from prefill to decode. */
public enum TransferMode {
    /** Prefill computes everything, then WRITEs all of it at once. */
    BULK("bulk"),
    /** Prefill WRITEs each layer of each chunk as soon as it is computed. */
    LAYERWISE("layerwise"),
    /** As layer by layer or in bulk, whichever the measured rates say is over sooner. */
    AUTO("auto"),
    /** Prefill computes everything and keeps it under a lease; decode READs it. */
    PULL("pull"),
    /** Prefill saves a file, decode loads it: how the original prototype did it. */
    FILE("file");

    private final String text;

    TransferMode(String text) {
        this.text = text;
    }

    /** {@return whether prefill WRITEs into decode's blocks} */
    boolean pushes() {
        return this == BULK || this == LAYERWISE || this == AUTO;
    }

    /** {@return the word on the command line and in reports} */
    public String text() {
        return text;
    }

    @Override
    public String toString() {
        return text;
    }
}
