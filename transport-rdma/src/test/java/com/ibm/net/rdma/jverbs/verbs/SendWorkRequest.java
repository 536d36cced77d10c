package com.ibm.net.rdma.jverbs.verbs;

import io.kvwire.ffi.verbs.SendRequests;

import java.util.LinkedList;

/** A request for a send queue. */
@SuppressWarnings({"JdkObsolete", "NonApiType"}) // the list that jVerbs asks for
public final class SendWorkRequest {
    /** Gives a completion also when it succeeds. */
    public static final int IBV_SEND_SIGNALED = 1 << 1;

    /** What can be asked for. */
    public enum Opcode {
        IBV_WR_RDMA_WRITE,
        IBV_WR_RDMA_READ,
        IBV_WR_SEND
    }

    /** Where at the peer. */
    public static final class Rdma {
        private long address;
        private int key;

        public void setRemoteAddress(long remote) {
            address = remote;
        }

        public void setRemoteKey(int remote) {
            key = remote;
        }
    }

    private final Rdma rdma = new Rdma();
    private long id;
    private Opcode opcode = Opcode.IBV_WR_SEND;
    private int flags;
    private LinkedList<ScatterGatherElement> pieces = new LinkedList<>();

    public void setWorkRequestId(long number) {
        id = number;
    }

    public void setOpcode(Opcode code) {
        opcode = code;
    }

    public void setSendFlags(int bits) {
        flags = bits;
    }

    public void setSgeList(LinkedList<ScatterGatherElement> list) {
        pieces = list;
    }

    public Rdma getRdma() {
        return rdma;
    }

    void writeTo(SendRequests list) {
        switch (opcode) {
            case IBV_WR_SEND -> list.addSend(id, flags);
            case IBV_WR_RDMA_WRITE -> list.addWrite(id, flags, rdma.address, rdma.key);
            case IBV_WR_RDMA_READ -> list.addRead(id, flags, rdma.address, rdma.key);
        }
        for (var piece : pieces) {
            list.addSegment(piece.address, piece.length, piece.key);
        }
    }
}
