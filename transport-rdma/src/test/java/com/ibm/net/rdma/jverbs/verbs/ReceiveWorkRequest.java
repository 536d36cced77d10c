package com.ibm.net.rdma.jverbs.verbs;

import io.kvwire.ffi.verbs.ReceiveRequests;

import java.util.LinkedList;

/** A request for a receive queue. */
@SuppressWarnings({"JdkObsolete", "NonApiType"}) // the list that jVerbs asks for
public final class ReceiveWorkRequest {
    private long id;
    private LinkedList<ScatterGatherElement> pieces = new LinkedList<>();

    public void setWorkRequestId(long number) {
        id = number;
    }

    public void setSgeList(LinkedList<ScatterGatherElement> list) {
        pieces = list;
    }

    void writeTo(ReceiveRequests list) {
        list.add(id);
        for (var piece : pieces) {
            list.addSegment(piece.address, piece.length, piece.key);
        }
    }
}
