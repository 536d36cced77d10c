package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * How a queue pair is connected to its peer. What is not set keeps the value named at its method.
 *
 * <p>Filled by one thread and read when a queue pair is connected; may be used again.
 *
 * {@snippet :
 * var settings = new QueuePairSettings(remoteNumber, remoteSequence, localSequence)
 *         .overGid(1, gidIndex, remoteGid)
 *         .mtuBytes(4096);
 * queuePair.connect(settings);
 * }
 */
public final class QueuePairSettings {

    private static final int SEQUENCE_MASK = 0xff_ffff;

    private final int remoteNumber;
    private final int remoteSequence;
    private final int localSequence;
    private int port = 1;
    private boolean global;
    private Gid remoteGid = new Gid(0, 0);
    private int localGidIndex;
    private int remoteLocalIdentifier;
    private int mtuBytes = 1024;
    private int serviceLevel;
    private int trafficClass;
    private int hopLimit = 64;
    private int flowLabel;
    private int readsServed = 16;
    private int readsIssued = 16;
    private int timeout = 14;
    private int retries = 7;
    private int notReadyRetries = 7;
    private int notReadyTimer = 12;

    /**
     * Starts with the peer's queue pair.
     *
     * @param remoteNumber number of the peer's queue pair
     * @param remoteSequence packet number that the peer starts with; its lowest 24 bits count
     * @param localSequence packet number that this queue pair starts with; its lowest 24 bits count
     */
    public QueuePairSettings(int remoteNumber, int remoteSequence, int localSequence) {
        this.remoteNumber = remoteNumber;
        this.remoteSequence = remoteSequence & SEQUENCE_MASK;
        this.localSequence = localSequence & SEQUENCE_MASK;
    }

    /**
     * Addresses the peer by a GID, as RoCE demands and InfiniBand allows.
     *
     * @param port the local port
     * @param localGidIndex which of the port's addresses is the sender's
     * @param remoteGid the peer's address
     * @return this
     */
    public QueuePairSettings overGid(int port, int localGidIndex, Gid remoteGid) {
        this.port = port;
        this.localGidIndex = localGidIndex;
        this.remoteGid = remoteGid;
        global = true;
        return this;
    }

    /**
     * Addresses the peer by the local identifier of its port, on InfiniBand.
     *
     * @param port the local port
     * @param identifier the peer's LID
     * @return this
     */
    public QueuePairSettings overLocalIdentifier(int port, int identifier) {
        this.port = port;
        remoteLocalIdentifier = identifier;
        return this;
    }

    /**
     * Sets the largest payload of a packet; 1024 otherwise.
     *
     * @param bytes 256, 512, 1024, 2048 or 4096, and not more than either port's
     * @return this
     */
    public QueuePairSettings mtuBytes(int bytes) {
        Mtu.number(bytes);
        mtuBytes = bytes;
        return this;
    }

    /**
     * Sets how the fabric is to treat the packets; all 0 otherwise.
     *
     * @param level service level, 0 to 15
     * @param traffic traffic class, 0 to 255: the DSCP and ECN bits of RoCE v2
     * @param label flow label, 20 bits, by which routers spread
     * @return this
     */
    public QueuePairSettings quality(int level, int traffic, int label) {
        serviceLevel = level;
        trafficClass = traffic;
        flowLabel = label;
        return this;
    }

    /**
     * Sets how many routers a packet may cross; 64 otherwise.
     *
     * @param hops 0 to 255
     * @return this
     */
    public QueuePairSettings hopLimit(int hops) {
        hopLimit = hops;
        return this;
    }

    /**
     * Sets how many reads are under way at a time; 16 each otherwise.
     *
     * @param served of the peer's; at least what the peer issues
     * @param issued of this end; at most what the peer serves
     * @return this
     */
    public QueuePairSettings reads(int served, int issued) {
        readsServed = served;
        readsIssued = issued;
        return this;
    }

    /**
     * Sets what happens when the peer does not answer.
     *
     * @param exponent waits about 4.096 µs times 2 to this power before each retry, 1 to 31; 14 (67
     *     ms) otherwise
     * @param count retries, 0 to 7; 7 otherwise
     * @return this
     */
    public QueuePairSettings timeout(int exponent, int count) {
        timeout = exponent;
        retries = count;
        return this;
    }

    /**
     * Sets what happens when a receive is missing.
     *
     * @param timer code of the least time that a peer is to wait before it repeats; 12 (0.64 ms)
     *     otherwise
     * @param count repetitions of this end's requests, 7 for without end; 7 otherwise
     * @return this
     */
    public QueuePairSettings notReady(int timer, int count) {
        notReadyTimer = timer;
        notReadyRetries = count;
        return this;
    }

    /** Writes what makes a queue pair ready to receive into a {@code struct ibv_qp_attr}. */
    void writeReceiving(MemorySegment a) {
        a.set(JAVA_INT, IbvQpAttr.PATH_MTU, Mtu.number(mtuBytes));
        a.set(JAVA_INT, IbvQpAttr.DEST_QP_NUM, remoteNumber);
        a.set(JAVA_INT, IbvQpAttr.RQ_PSN, remoteSequence);
        a.set(JAVA_BYTE, IbvQpAttr.MAX_DEST_RD_ATOMIC, (byte) readsServed);
        a.set(JAVA_BYTE, IbvQpAttr.MIN_RNR_TIMER, (byte) notReadyTimer);
        long path = IbvQpAttr.AH_ATTR;
        a.set(JAVA_SHORT, path + IbvAhAttr.DLID, (short) remoteLocalIdentifier);
        a.set(JAVA_BYTE, path + IbvAhAttr.SL, (byte) serviceLevel);
        a.set(JAVA_BYTE, path + IbvAhAttr.PORT_NUM, (byte) port);
        a.set(JAVA_BYTE, path + IbvAhAttr.IS_GLOBAL, (byte) (global ? 1 : 0));
        if (global) {
            long route = path + IbvAhAttr.GRH;
            remoteGid.write(a, route + IbvGlobalRoute.DGID);
            a.set(JAVA_INT, route + IbvGlobalRoute.FLOW_LABEL, flowLabel);
            a.set(JAVA_BYTE, route + IbvGlobalRoute.SGID_INDEX, (byte) localGidIndex);
            a.set(JAVA_BYTE, route + IbvGlobalRoute.HOP_LIMIT, (byte) hopLimit);
            a.set(JAVA_BYTE, route + IbvGlobalRoute.TRAFFIC_CLASS, (byte) trafficClass);
        }
    }

    /** Writes what makes a queue pair ready to send into a {@code struct ibv_qp_attr}. */
    void writeSending(MemorySegment a) {
        a.set(JAVA_INT, IbvQpAttr.SQ_PSN, localSequence);
        a.set(JAVA_BYTE, IbvQpAttr.TIMEOUT, (byte) timeout);
        a.set(JAVA_BYTE, IbvQpAttr.RETRY_CNT, (byte) retries);
        a.set(JAVA_BYTE, IbvQpAttr.RNR_RETRY, (byte) notReadyRetries);
        a.set(JAVA_BYTE, IbvQpAttr.MAX_RD_ATOMIC, (byte) readsIssued);
    }

    /** Puts what this end decides alone in place of what a connection says. */
    void overrideReceiving(MemorySegment a) {
        a.set(JAVA_BYTE, IbvQpAttr.MIN_RNR_TIMER, (byte) notReadyTimer);
        long path = IbvQpAttr.AH_ATTR;
        a.set(JAVA_BYTE, path + IbvAhAttr.SL, (byte) serviceLevel);
        if (a.get(JAVA_BYTE, path + IbvAhAttr.IS_GLOBAL) != 0) {
            long route = path + IbvAhAttr.GRH;
            a.set(JAVA_BYTE, route + IbvGlobalRoute.HOP_LIMIT, (byte) hopLimit);
            a.set(JAVA_BYTE, route + IbvGlobalRoute.TRAFFIC_CLASS, (byte) trafficClass);
        }
    }

    /** Puts what this end decides alone in place of what a connection says. */
    void overrideSending(MemorySegment a) {
        a.set(JAVA_BYTE, IbvQpAttr.TIMEOUT, (byte) timeout);
        a.set(JAVA_BYTE, IbvQpAttr.RETRY_CNT, (byte) retries);
        a.set(JAVA_BYTE, IbvQpAttr.RNR_RETRY, (byte) notReadyRetries);
    }

    /** Writes what the peer is told into a {@code struct rdma_conn_param}. */
    void writeConnecting(MemorySegment p) {
        p.set(JAVA_BYTE, RdmaConnParam.RESPONDER_RESOURCES, (byte) readsServed);
        p.set(JAVA_BYTE, RdmaConnParam.INITIATOR_DEPTH, (byte) readsIssued);
        p.set(JAVA_BYTE, RdmaConnParam.RETRY_COUNT, (byte) retries);
        p.set(JAVA_BYTE, RdmaConnParam.RNR_RETRY_COUNT, (byte) notReadyRetries);
    }

    @Override
    public String toString() {
        return "queue pair " + remoteNumber + " at " + (global ? remoteGid : remoteLocalIdentifier);
    }
}
