package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where a node's socket is: on which boot of which machine, whose, and its path there.
 *
 * @param boot of the kernel, the same in all containers of a host and in no other
 * @param user that the node runs as
 * @param socket its path
 */
record Endpoint(String boot, int user, Path socket) {
    private static final byte VERSION = 1;
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final int MOST_BYTES = 4096;

    /** {@return the boot of this machine} */
    static String thisBoot() {
        try {
            return Files.readString(BOOT).strip();
        } catch (IOException e) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE, BOOT + " cannot be read: " + e.getMessage(), e);
        }
    }

    byte[] encode() {
        byte[] bootBytes = boot.getBytes(StandardCharsets.UTF_8);
        byte[] path = socket.toString().getBytes(StandardCharsets.UTF_8);
        int bytes = 1 + 3 * Integer.BYTES + bootBytes.length + path.length;
        var out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        out.put(VERSION).putInt(user).putInt(bootBytes.length).put(bootBytes);
        return out.putInt(path.length).put(path).array();
    }

    static Endpoint decode(byte[] bytes) {
        var in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < 1 || in.get() != VERSION) {
            throw new TransferException(
                    ErrorCode.VERSION_MISMATCH,
                    "another version of the pcie wire: use the same release at both ends");
        }
        LaneMemory.require(in.remaining() >= Integer.BYTES, "a short endpoint");
        int user = in.getInt();
        var boot = text(in);
        var path = text(in);
        LaneMemory.require(path.startsWith("/") && path.indexOf('\0') < 0, "an endpoint nowhere");
        return new Endpoint(boot, user, Path.of(path));
    }

    private static String text(ByteBuffer in) {
        LaneMemory.require(in.remaining() >= Integer.BYTES, "a short endpoint");
        int bytes = in.getInt();
        LaneMemory.require(
                bytes >= 0 && bytes <= Math.min(in.remaining(), MOST_BYTES), "a short endpoint");
        byte[] utf = new byte[bytes];
        in.get(utf);
        return new String(utf, StandardCharsets.UTF_8);
    }
}
