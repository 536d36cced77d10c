package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A reliable connected queue pair.
 *
 * <p>Its life: {@link #initialize}, then {@link #connect} with what the peer told of its own, then
 * posting; after a failure or {@link #toError}, everything posted comes back flushed, and when the
 * last completion is there the device is done with the memory.
 *
 * <p>The driver takes a lock per call, so any thread may post, each its own requests; but {@link
 * #close} must not run beside another call.
 */
public final class QueuePair implements AutoCloseable {

    private static final int STATE = 1;
    private static final int ACCESS_FLAGS = 1 << 3;
    private static final int PKEY_INDEX = 1 << 4;
    private static final int PORT = 1 << 5;
    private static final int AV = 1 << 7;
    private static final int PATH_MTU = 1 << 8;
    private static final int TIMEOUT = 1 << 9;
    private static final int RETRY_CNT = 1 << 10;
    private static final int RNR_RETRY = 1 << 11;
    private static final int RQ_PSN = 1 << 12;
    private static final int MAX_QP_RD_ATOMIC = 1 << 13;
    private static final int MIN_RNR_TIMER = 1 << 15;
    private static final int SQ_PSN = 1 << 16;
    private static final int MAX_DEST_RD_ATOMIC = 1 << 17;
    private static final int DEST_QPN = 1 << 20;

    private static final int RECEIVING =
            STATE | AV | PATH_MTU | DEST_QPN | RQ_PSN | MAX_DEST_RD_ATOMIC | MIN_RNR_TIMER;
    private static final int SENDING =
            STATE | TIMEOUT | RETRY_CNT | RNR_RETRY | SQ_PSN | MAX_QP_RD_ATOMIC;

    private final Operations operations;
    private final MemorySegment address;
    private final QueuePairCapacity capacity;
    private final int number;
    private long open;

    QueuePair(Operations operations, MemorySegment address, QueuePairCapacity capacity) {
        this.operations = operations;
        this.address = address;
        this.capacity = capacity;
        number = CStruct.at(address, IbvQp.LAYOUT).get(JAVA_INT, IbvQp.QP_NUM);
        open = address.address();
    }

    /** {@return its number on this device, 24 bits} */
    public int number() {
        return number;
    }

    /** {@return what it holds, which may be more than was asked for} */
    public QueuePairCapacity capacity() {
        return capacity;
    }

    /**
     * Binds it to a port, from state RESET; receives may be posted from now on.
     *
     * @param port the port, from 1
     * @param access what the peer may do, bits of {@link AccessFlags}
     * @throws TransferException when the device refuses
     */
    public void initialize(int port, int access) {
        try (var arena = Arena.ofConfined()) {
            var a = attributes(arena, QueuePairState.INIT);
            a.set(JAVA_BYTE, IbvQpAttr.PORT_NUM, (byte) port);
            a.set(JAVA_INT, IbvQpAttr.QP_ACCESS_FLAGS, access);
            modify(
                    a,
                    STATE | PKEY_INDEX | PORT | ACCESS_FLAGS,
                    "to INIT on port " + port,
                    "Check the port's state, and that peers may write only where this end may");
        }
    }

    /**
     * Makes it ready to receive and then ready to send, from state INIT.
     *
     * @param settings the peer, and how to reach it
     * @throws TransferException when the device refuses
     */
    public void connect(QueuePairSettings settings) {
        readyToReceive(settings);
        readyToSend(settings);
    }

    /**
     * Makes it ready to receive, from state INIT.
     *
     * @param settings the peer, and how to reach it
     * @throws TransferException when the device refuses
     */
    public void readyToReceive(QueuePairSettings settings) {
        try (var arena = Arena.ofConfined()) {
            var a = attributes(arena, QueuePairState.RTR);
            settings.writeReceiving(a);
            modify(
                    a,
                    RECEIVING,
                    "to RTR for " + settings,
                    "Check that the peer's address can be reached from the local GID, the MTU of"
                            + " both ports, and the number of reads served");
        }
    }

    /**
     * Makes it ready to send, from state RTR.
     *
     * @param settings the peer, and how to reach it
     * @throws TransferException when the device refuses
     */
    public void readyToSend(QueuePairSettings settings) {
        try (var arena = Arena.ofConfined()) {
            var a = attributes(arena, QueuePairState.RTS);
            settings.writeSending(a);
            modify(
                    a,
                    SENDING,
                    "to RTS for " + settings,
                    "Check the timeout, the retries and the number of reads issued");
        }
    }

    /** Makes it ready to receive as a connection says, but for what this end decides alone. */
    void readyToReceive(Connection connection, QueuePairSettings settings) {
        try (var arena = Arena.ofConfined()) {
            var a = attributes(arena, QueuePairState.RTR);
            int mask = connection.attributes(a);
            settings.overrideReceiving(a);
            modify(a, mask, "to RTR as connected", "Check the number of reads served");
        }
    }

    /** Makes it ready to send as a connection says, but for what this end decides alone. */
    void readyToSend(Connection connection, QueuePairSettings settings) {
        try (var arena = Arena.ofConfined()) {
            var a = attributes(arena, QueuePairState.RTS);
            int mask = connection.attributes(a);
            settings.overrideSending(a);
            modify(a, mask, "to RTS as connected", "Check the timeout and the retries");
        }
    }

    /**
     * Puts it in error: whatever is posted comes back flushed.
     *
     * @throws TransferException when the device refuses
     */
    public void toError() {
        to(QueuePairState.ERROR);
    }

    /**
     * Puts it in its first state; completions that were not polled may be lost.
     *
     * @throws TransferException when the device refuses
     */
    public void reset() {
        to(QueuePairState.RESET);
    }

    /** {@return its state, asked from the device} */
    public QueuePairState state() {
        checkOpen();
        try (var arena = Arena.ofConfined()) {
            var a = arena.allocate(IbvQpAttr.LAYOUT);
            var initial = arena.allocate(IbvQpInitAttr.LAYOUT);
            Calls.status(
                    "ibv_query_qp " + number,
                    "",
                    () -> (int) Ibv.QUERY_QP.invokeExact(address, a, STATE, initial));
            int state = a.get(JAVA_INT, IbvQpAttr.QP_STATE);
            var states = QueuePairState.values();
            return state >= 0 && state < states.length ? states[state] : QueuePairState.UNKNOWN;
        }
    }

    /**
     * Posts requests to the send queue. Allocates nothing; does not wait for the peer.
     *
     * @param requests all of them
     * @return 0 when all were taken, else the error number, {@link io.kvwire.ffi.Errno#ENOMEM} for
     *     a full queue; {@link SendRequests#accepted} says how many were taken
     */
    public int post(SendRequests requests) {
        checkOpen();
        if (requests.count() == 0) {
            return requests.posted(0);
        }
        return requests.posted(operations.postSend(open, requests.closed(), requests.badAddress()));
    }

    /**
     * Posts requests to its own receive queue. Allocates nothing and does not wait.
     *
     * @param requests all of them
     * @return 0 when all were taken, else the error number; {@link ReceiveRequests#accepted} says
     *     how many were taken
     */
    public int post(ReceiveRequests requests) {
        checkOpen();
        if (requests.count() == 0) {
            return requests.posted(0);
        }
        return requests.posted(
                operations.postReceive(open, requests.address(), requests.badAddress()));
    }

    private static MemorySegment attributes(Arena arena, QueuePairState state) {
        var attributes = arena.allocate(IbvQpAttr.LAYOUT);
        attributes.set(JAVA_INT, IbvQpAttr.QP_STATE, number(state));
        return attributes;
    }

    private void to(QueuePairState state) {
        try (var arena = Arena.ofConfined()) {
            modify(attributes(arena, state), STATE, "to " + state, "");
        }
    }

    private void modify(MemorySegment attributes, int mask, String what, String advice) {
        checkOpen();
        Calls.status(
                "ibv_modify_qp " + number + " " + what,
                advice,
                () -> (int) Ibv.MODIFY_QP.invokeExact(address, attributes, mask));
    }

    private void checkOpen() {
        if (open == 0) {
            throw new TransferException(ErrorCode.CLOSED, "queue pair " + number + " is closed");
        }
    }

    private static int number(QueuePairState state) {
        return switch (state) {
            case RESET -> 0;
            case INIT -> 1;
            case RTR -> 2;
            case RTS -> 3;
            case SQD -> 4;
            case SQE -> 5;
            case ERROR -> 6;
            case UNKNOWN -> throw new IllegalArgumentException("no state to go to");
        };
    }

    MemorySegment address() {
        return address;
    }

    /**
     * Destroys it. What is posted is dropped without completions, so {@link #toError} and the last
     * completion come first where memory is to be used again. A second call does nothing.
     *
     * @throws TransferException when the system refuses
     */
    @Override
    public void close() {
        if (open != 0) {
            Calls.status(
                    "ibv_destroy_qp " + number,
                    "",
                    () -> (int) Ibv.DESTROY_QP.invokeExact(address));
            open = 0;
        }
    }
}
