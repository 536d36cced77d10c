package com.ibm.net.rdma.jverbs.verbs;

/** A piece of memory. */
public final class ScatterGatherElement {
    long address;
    int length;
    int key;

    public void setAddress(long first) {
        address = first;
    }

    public void setLength(int bytes) {
        length = bytes;
    }

    public void setLocalKey(int local) {
        key = local;
    }
}
