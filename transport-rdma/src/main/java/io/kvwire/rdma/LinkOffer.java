package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What the two ends of a link tell each other over the control channel, as docs/spec/wire-format.md
 * fixes it: the offer of the connecting side, the answer of the other, and later what happens to
 * lanes.
 *
 * @param epoch the sender's random name of this link
 * @param messageBytes of the buffers that it receives messages in
 * @param credits receives that it has posted for each lane
 * @param frames that it keeps track of on each lane, in each direction
 * @param managed whether queue pairs are connected through the connection manager, not by what is
 *     told here
 * @param lanes its queue pairs
 */
record LinkOffer(
        long epoch,
        int messageBytes,
        int credits,
        int frames,
        boolean managed,
        List<RemoteEnd> lanes) {
    static final int OFFER = 1;
    static final int ANSWER = 2;
    static final int CONFIRM = 3;
    static final int REFUSE = 4;
    static final int LANE_DOWN = 5;

    private static final int VERSION = 1;
    private static final int PREFIX_BYTES = 2;
    private static final int FIXED_BYTES = PREFIX_BYTES + 2 + 8 + 4 + 2 + 2 + 4;
    private static final int MAX_TEXT_BYTES = 1000;
    private static final int LEAST_MESSAGE_BYTES = 12 << 10;

    LinkOffer {
        lanes = List.copyOf(lanes);
    }

    byte[] encode(int type) {
        var bytes = new byte[FIXED_BYTES + lanes.size() * RemoteEnd.BYTES];
        var out = message(type, bytes);
        out.putShort((short) lanes.size()).putLong(epoch).putInt(messageBytes);
        out.putShort((short) credits).putShort((short) frames);
        out.putInt(managed ? 1 : 0);
        lanes.forEach(lane -> lane.encode(out));
        return bytes;
    }

    static byte[] confirm(long epoch) {
        var bytes = new byte[PREFIX_BYTES + 8];
        message(CONFIRM, bytes).putLong(epoch);
        return bytes;
    }

    static byte[] laneDown(long epoch, int lane, String reason) {
        byte[] text = text(reason);
        var bytes = new byte[PREFIX_BYTES + 8 + 2 + text.length];
        message(LANE_DOWN, bytes).putLong(epoch).putShort((short) lane).put(text);
        return bytes;
    }

    static byte[] refuse(String reason) {
        byte[] text = text(reason);
        var bytes = new byte[PREFIX_BYTES + text.length];
        message(REFUSE, bytes).put(text);
        return bytes;
    }

    private static byte[] text(String reason) {
        byte[] bytes = reason.getBytes(StandardCharsets.UTF_8);
        return bytes.length <= MAX_TEXT_BYTES
                ? bytes
                : new String(bytes, 0, MAX_TEXT_BYTES - 4, StandardCharsets.UTF_8)
                        .getBytes(StandardCharsets.UTF_8);
    }

    private static ByteBuffer message(int type, byte[] bytes) {
        return ByteBuffer.wrap(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) VERSION)
                .put((byte) type);
    }

    /** {@return a message to read, behind its version} */
    static ByteBuffer open(byte[] message) {
        require(message.length >= PREFIX_BYTES, "a message of " + message.length + " bytes");
        if (message[0] != VERSION) {
            throw new TransferException(
                    ErrorCode.VERSION_MISMATCH,
                    "the peer's rdma wire has version "
                            + message[0]
                            + ", this node "
                            + VERSION
                            + ": use the same release at both ends");
        }
        return ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN).position(1);
    }

    static LinkOffer decode(ByteBuffer in) {
        require(in.remaining() >= FIXED_BYTES - PREFIX_BYTES, "a short offer");
        int count = Short.toUnsignedInt(in.getShort());
        long epoch = in.getLong();
        int messageBytes = in.getInt();
        int credits = Short.toUnsignedInt(in.getShort());
        int frames = Short.toUnsignedInt(in.getShort());
        int managed = in.getInt();
        require(managed == 0 || managed == 1, "connecting in way " + managed);
        require(in.remaining() == count * RemoteEnd.BYTES, count + " lanes");
        require(messageBytes >= LEAST_MESSAGE_BYTES, "messages of " + messageBytes + " bytes");
        require(credits >= 4 && credits <= 4096, credits + " credits");
        require(frames >= 1 && frames <= 128, frames + " frames");
        var lanes = new ArrayList<RemoteEnd>(count);
        for (int i = 0; i < count; i++) {
            lanes.add(RemoteEnd.decode(in));
        }
        return new LinkOffer(epoch, messageBytes, credits, frames, managed == 1, lanes);
    }

    static String rest(ByteBuffer in) {
        return StandardCharsets.UTF_8.decode(in).toString();
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new TransferException(
                    ErrorCode.MALFORMED, "the peer's rdma wire made a mistake: " + what);
        }
    }
}
