package io.kvwire.pcie;

import io.kvwire.ffi.linux.LocalSocket;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkSetup;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What the ends of a lane tell each other over its socket, as docs/spec/wire-format.md fixes it:
 * who they are, and the regions that frames name.
 */
final class SocketMessage {
    /** The dialing end: lane, token, sizes, cookie; hands over memory and doorbells. */
    static final byte HELLO = 1;

    /** The listening end takes the lane: cookie, and whether it can read the other's memory. */
    static final byte WELCOME = 2;

    /** No lane comes of this. */
    static final byte REFUSE = 3;

    /** Whether the dialing end can read the other's memory; the lane is up. */
    static final byte VERDICT = 4;

    /** A region that frames may name from now on. */
    static final byte REGION = 5;

    /** No frame names the region any more. */
    static final byte GONE = 6;

    /** The other end has opened a region of a device: frames may name it. */
    static final byte OPENED = 7;

    /** The other end could not, with the reason; it may follow with OPENED later. */
    static final byte CANNOT = 8;

    /** The other end has closed a region of a device, of which it was told that it is gone. */
    static final byte CLOSED = 9;

    /** A region that is handed over as a file. */
    static final byte SHARED = 1;

    /** A region that is read out of the other process. */
    static final byte PRIVATE = 2;

    /** A region in memory of a device: what its driver opens it with follows. */
    static final byte DEVICE = 3;

    private static final int MAGIC = 0x5357564B; // K V W S
    private static final short VERSION = 3;
    private static final int MOST_TEXT = 2048;

    private SocketMessage() {}

    /** What a HELLO says. */
    @SuppressWarnings("ArrayRecordComponent") // passed on once, never compared
    record Hello(int lane, byte[] token, int ringBytes, int frames, Cookie.Where cookie) {}

    /** What a WELCOME or VERDICT says: whether the end that sent it cannot read private memory. */
    record Verdict(Optional<String> cannotRead) {}

    private static ByteBuffer message(byte type) {
        var out = ByteBuffer.allocate(LocalSocket.MAX_MESSAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        return out.putInt(MAGIC).putShort(VERSION).put(type).put((byte) 0);
    }

    private static byte[] bytes(ByteBuffer out) {
        byte[] all = new byte[out.position()];
        out.get(0, all);
        return all;
    }

    static byte[] hello(Hello hello) {
        var out = message(HELLO).putInt(hello.lane()).put(hello.token());
        out.putInt(hello.ringBytes()).putInt(hello.frames());
        return bytes(hello.cookie().put(out));
    }

    static byte[] welcome(Cookie.Where cookie, Verdict verdict) {
        return bytes(verdict(cookie.put(message(WELCOME)), verdict));
    }

    static byte[] verdict(Verdict verdict) {
        return bytes(verdict(message(VERDICT), verdict));
    }

    private static ByteBuffer verdict(ByteBuffer out, Verdict verdict) {
        out.put((byte) (verdict.cannotRead().isEmpty() ? 1 : 0));
        return text(out, verdict.cannotRead().orElse(""));
    }

    static byte[] refuse(String why) {
        return bytes(text(message(REFUSE), why));
    }

    static byte[] region(int id, byte kind, long address, long size) {
        var out = message(REGION).putInt(id).putInt(kind).putLong(address).putLong(size);
        return bytes(out);
    }

    static byte[] deviceRegion(int id, long size, byte[] exported) {
        var out = message(REGION).putInt(id).putInt(DEVICE).putLong(0).putLong(size);
        return bytes(out.put(exported));
    }

    static byte[] opened(int id) {
        return bytes(message(OPENED).putInt(id));
    }

    static byte[] cannot(int id, String why) {
        return bytes(text(message(CANNOT).putInt(id), why));
    }

    static byte[] closed(int id) {
        return bytes(message(CLOSED).putInt(id));
    }

    static byte[] gone(int id) {
        return bytes(message(GONE).putInt(id));
    }

    private static ByteBuffer text(ByteBuffer out, String text) {
        byte[] utf = text.getBytes(StandardCharsets.UTF_8);
        return out.put(utf, 0, Math.min(utf.length, MOST_TEXT));
    }

    /** Checks the start of a message, and leaves the position at its type. */
    static ByteBuffer open(byte[] message) {
        var in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        LaneMemory.require(in.remaining() >= 8 && in.getInt() == MAGIC, "something else");
        int version = in.getShort();
        if (version != VERSION) {
            throw new TransferException(
                    ErrorCode.VERSION_MISMATCH,
                    "the other process speaks version "
                            + version
                            + " of the pcie wire, this one "
                            + VERSION
                            + ": use the same release for both");
        }
        return in;
    }

    /** {@return the type; moves behind the start} */
    static byte type(ByteBuffer in) {
        byte type = in.get();
        in.get();
        return type;
    }

    static Hello hello(ByteBuffer in) {
        int fixed = 3 * Integer.BYTES + LinkSetup.TOKEN_BYTES + Cookie.Where.BYTES;
        LaneMemory.require(in.remaining() == fixed, "a HELLO of " + in.remaining() + " bytes");
        int lane = in.getInt();
        byte[] token = new byte[LinkSetup.TOKEN_BYTES];
        in.get(token);
        return new Hello(lane, token, in.getInt(), in.getInt(), Cookie.Where.of(in));
    }

    static Cookie.Where cookie(ByteBuffer in) {
        LaneMemory.require(in.remaining() > Cookie.Where.BYTES, "a short WELCOME");
        return Cookie.Where.of(in);
    }

    static Verdict verdict(ByteBuffer in) {
        LaneMemory.require(in.hasRemaining(), "a short VERDICT");
        boolean reads = in.get() == 1;
        LaneMemory.require(!reads || !in.hasRemaining(), "a long VERDICT");
        var why = rest(in);
        return new Verdict(reads ? Optional.empty() : Optional.of(why));
    }

    /** {@return which region OPENED, CANNOT or CLOSED is about; the text of CANNOT is left} */
    static int answered(byte type, ByteBuffer in) {
        boolean fits =
                type == CANNOT ? in.remaining() >= Integer.BYTES : in.remaining() == Integer.BYTES;
        LaneMemory.require(fits, "an answer about a region of " + in.remaining() + " bytes");
        return in.getInt();
    }

    static String rest(ByteBuffer in) {
        byte[] utf = new byte[in.remaining()];
        in.get(utf);
        return new String(utf, StandardCharsets.UTF_8);
    }
}
