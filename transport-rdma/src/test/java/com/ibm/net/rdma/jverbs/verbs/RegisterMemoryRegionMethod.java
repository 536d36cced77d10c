package com.ibm.net.rdma.jverbs.verbs;

import java.util.concurrent.atomic.AtomicReference;

/** Registers memory with a device. */
public final class RegisterMemoryRegionMethod
        extends StatefulVerbsMethod<RegisterMemoryRegionMethod> {
    private final AtomicReference<MemoryRegion> region;

    RegisterMemoryRegionMethod(AtomicReference<MemoryRegion> region, Step step) {
        super(step);
        this.region = region;
    }

    public MemoryRegion getMemoryRegion() {
        return region.get();
    }
}
