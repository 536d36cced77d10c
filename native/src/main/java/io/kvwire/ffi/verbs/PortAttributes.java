package io.kvwire.ffi.verbs;

/**
 * State of a port.
 *
 * @param port its number, from 1
 * @param state its state
 * @param activeMtuBytes largest payload of a packet now, in bytes
 * @param maxMtuBytes largest payload of a packet that it supports, in bytes
 * @param addresses length of its table of addresses
 * @param maxMessageBytes longest message, in bytes; unsigned
 * @param localIdentifier its LID, 0 on Ethernet
 * @param ethernet whether it is RoCE or iWARP, not InfiniBand
 * @param speedMbps signalling rate times lanes, in megabits per second; 0 when not known
 */
public record PortAttributes(
        int port,
        State state,
        int activeMtuBytes,
        int maxMtuBytes,
        int addresses,
        int maxMessageBytes,
        int localIdentifier,
        boolean ethernet,
        long speedMbps) {

    /** States of a port, {@code enum ibv_port_state}. */
    public enum State {
        /** Nothing is known, or something newer than this list. */
        UNKNOWN,
        /** The link is down. */
        DOWN,
        /** The link trains. */
        INIT,
        /** The link is up, and waits for its subnet manager. */
        ARMED,
        /** It carries packets. */
        ACTIVE,
        /** It is active, and the link is in error for now. */
        ACTIVE_DEFER
    }
}
