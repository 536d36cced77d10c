package io.kvwire.rdma;

import io.kvwire.transport.spi.LinkHandler;

import java.nio.ByteBuffer;

/**
 * Reads the messages that come over one lane, checks them, and hands each to the frame it is about.
 * Confined to the thread of the lane's {@link Poller}.
 */
final class Arrivals {
    private final LinkHandler handler;
    private final SendWindow window;
    private final Slots slots;
    private final int peerCredits;

    Arrivals(LinkHandler handler, SendWindow window, Slots slots, int peerCredits) {
        this.handler = handler;
        this.window = window;
        this.slots = slots;
        this.peerCredits = peerCredits;
    }

    /** Takes a message of the peer. */
    void message(ReceiveBuffers buffers, int buffer, int bytes) {
        LinkOffer.require(bytes >= LaneMessage.PREFIX_BYTES, "a message of " + bytes + " bytes");
        var message = buffers.view(buffer, bytes);
        int slot = LaneMessage.slot(message);
        window.credit(LaneMessage.credits(message));
        LinkOffer.require(window.credits() <= peerCredits, "more credit than there is");
        int size = LaneMessage.size(message);
        message.position(LaneMessage.PREFIX_BYTES);
        switch (LaneMessage.type(message)) {
            case LaneMessage.ANNOUNCE -> announced(buffers, buffer, message, size);
            case LaneMessage.GRANT ->
                    slots.outbound(slot)
                            .granted(
                                    LaneMessage.mode(message),
                                    LaneMessage.other(message),
                                    message,
                                    size);
            case LaneMessage.DISCARD -> slots.outbound(slot).discarded();
            case LaneMessage.FETCHED -> slots.outbound(slot).fetched();
            case LaneMessage.DATA -> {
                LinkOffer.require(size == message.remaining(), "a piece of another length");
                slots.inbound(slot).data(buffers.memory(buffer), LaneMessage.PREFIX_BYTES, size);
            }
            case LaneMessage.CREDIT -> LinkOffer.require(bytes == message.position(), "credit");
            case LaneMessage.WRITTEN -> slots.inbound(slot).written();
            case LaneMessage.ABANDON -> slots.inbound(slot).abandoned();
            default -> LinkOffer.require(false, "a message of type " + LaneMessage.type(message));
        }
    }

    private void announced(
            ReceiveBuffers buffers, int buffer, ByteBuffer message, int headerBytes) {
        long payloadBytes = LaneMessage.payloadBytes(message);
        int from = LaneMessage.slot(message);
        byte mode = LaneMessage.mode(message);
        LinkOffer.require(
                headerBytes >= 0 && headerBytes <= message.remaining() && payloadBytes >= 0,
                "a header of " + headerBytes + " bytes");
        int end = message.limit();
        int behind = message.position() + headerBytes;
        LinkOffer.require(
                switch (mode) {
                    case LaneMessage.EAGER -> payloadBytes == end - behind;
                    case LaneMessage.WRITE, LaneMessage.COPY -> end == behind && payloadBytes > 0;
                    case LaneMessage.READ -> payloadBytes > 0;
                    default -> false;
                },
                "a frame of " + payloadBytes + " bytes in mode " + mode);
        LinkOffer.require(
                mode == LaneMessage.EAGER || slots.mayBegin(), "more frames than were agreed");
        message.limit(behind);
        var frame = handler.begin(message, payloadBytes);
        message.limit(end).position(behind);
        if (mode == LaneMessage.EAGER) {
            slots.eager().eager(frame, buffers.memory(buffer), behind, (int) payloadBytes);
        } else {
            slots.begin().begin(frame, mode, from, payloadBytes, message);
        }
    }
}
