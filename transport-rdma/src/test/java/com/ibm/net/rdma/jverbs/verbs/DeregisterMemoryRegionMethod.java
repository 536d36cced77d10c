package com.ibm.net.rdma.jverbs.verbs;

/** Takes memory back from a device. */
public final class DeregisterMemoryRegionMethod
        extends StatefulVerbsMethod<DeregisterMemoryRegionMethod> {
    DeregisterMemoryRegionMethod(Step step) {
        super(step);
    }
}
