package io.kvwire.transport;

/** What peers may do with a region or cache. The owner itself may always do both. */
public enum Access {
    /** Peers may neither read nor write; the memory only serves this node's own transfers. */
    LOCAL(false, false),
    /** Peers may READ. */
    REMOTE_READ(true, false),
    /** Peers may WRITE. */
    REMOTE_WRITE(false, true),
    /** Peers may READ and WRITE. */
    REMOTE_READ_WRITE(true, true);

    private final boolean readable;
    private final boolean writable;

    Access(boolean readable, boolean writable) {
        this.readable = readable;
        this.writable = writable;
    }

    /** {@return whether peers may READ} */
    public boolean readable() {
        return readable;
    }

    /** {@return whether peers may WRITE} */
    public boolean writable() {
        return writable;
    }
}
