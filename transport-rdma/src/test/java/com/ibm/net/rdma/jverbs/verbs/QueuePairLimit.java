package com.ibm.net.rdma.jverbs.verbs;

/** Sizes of a queue pair. */
public final class QueuePairLimit {
    int sends = 1;
    int receives = 1;
    int sendPieces = 1;
    int receivePieces = 1;

    public void setMaxSendWorkRequest(int count) {
        sends = count;
    }

    public void setMaxReceiveWorkRequest(int count) {
        receives = count;
    }

    public void setMaxSendSge(int count) {
        sendPieces = count;
    }

    public void setMaxReceiveSge(int count) {
        receivePieces = count;
    }
}
