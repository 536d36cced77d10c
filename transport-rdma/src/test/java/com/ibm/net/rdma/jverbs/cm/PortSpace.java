package com.ibm.net.rdma.jverbs.cm;

/** Which ports are meant. */
public enum PortSpace {
    /** Those of reliable connections. */
    RDMA_PS_TCP
}
