package com.ibm.net.rdma.jverbs.verbs;

/** Registered memory. */
public final class MemoryRegion {
    private final io.kvwire.ffi.verbs.MemoryRegion region;

    MemoryRegion(io.kvwire.ffi.verbs.MemoryRegion region) {
        this.region = region;
    }

    io.kvwire.ffi.verbs.MemoryRegion bound() {
        return region;
    }

    public int getLocalKey() {
        return region.localKey();
    }

    public int getRemoteKey() {
        return region.remoteKey();
    }
}
