package io.kvwire.rdma;

import java.nio.ByteBuffer;

/**
 * The other end of a queue pair.
 *
 * @param queuePair its number, 24 bits
 * @param firstPacket packet sequence number that it starts with, 24 bits
 * @param gid its address
 * @param lid its local identifier; 0 on Ethernet
 * @param mtuBytes the largest packet payload it takes
 * @param atomics READs that it answers at one time
 * @param port where it waits for the peer to connect through the connection manager; 0 when it does
 *     not
 */
record RemoteEnd(
        int queuePair, int firstPacket, Gid gid, int lid, int mtuBytes, int atomics, int port) {
    /** The length of an encoded end. */
    static final int BYTES = 36;

    void encode(ByteBuffer out) {
        out.putInt(queuePair).putInt(firstPacket).putInt(gid.kind() == Gid.Kind.INFINIBAND ? 0 : 1);
        out.putLong(gid.high()).putLong(gid.low());
        out.putShort((short) lid).putShort((short) mtuBytes).putShort((short) atomics);
        out.putShort((short) port);
    }

    static RemoteEnd decode(ByteBuffer in) {
        int queuePair = in.getInt();
        int firstPacket = in.getInt();
        var kind = in.getInt() == 0 ? Gid.Kind.INFINIBAND : Gid.Kind.ROCE_V2;
        var gid = new Gid(0, kind, in.getLong(), in.getLong());
        int lid = Short.toUnsignedInt(in.getShort());
        int mtu = Short.toUnsignedInt(in.getShort());
        int atomics = Short.toUnsignedInt(in.getShort());
        int port = Short.toUnsignedInt(in.getShort());
        LinkOffer.require(queuePair >>> 24 == 0, "queue pair " + queuePair);
        LinkOffer.require(firstPacket >>> 24 == 0, "packet number " + firstPacket);
        LinkOffer.require(
                mtu >= 256 && mtu <= 4096 && Integer.bitCount(mtu) == 1, "path MTU " + mtu);
        return new RemoteEnd(queuePair, firstPacket, gid, lid, mtu, atomics, port);
    }
}
