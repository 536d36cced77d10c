package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

/**
 * Where a node accepts data lanes: version (u8) and port (u16, little-endian). The host is the one
 * that the control channel reached.
 *
 * @param port 1 to 65535; 0 for a node that does not listen
 */
record Endpoint(int port) {
    private static final byte VERSION = 1;
    private static final int BYTES = 3;

    byte[] encode() {
        return new byte[] {VERSION, (byte) port, (byte) (port >>> 8)};
    }

    /**
     * {@return the endpoint in bytes from a peer}
     *
     * @throws TransferException with {@link ErrorCode#MALFORMED} or {@link
     *     ErrorCode#VERSION_MISMATCH}
     */
    static Endpoint decode(byte[] bytes) {
        if (bytes.length == 0) {
            throw new TransferException(ErrorCode.MALFORMED, "the peer's tcp endpoint is empty");
        }
        if (bytes[0] != VERSION) {
            throw new TransferException(
                    ErrorCode.VERSION_MISMATCH,
                    "the peer's tcp endpoint has version "
                            + Byte.toUnsignedInt(bytes[0])
                            + ", this node has "
                            + VERSION);
        }
        if (bytes.length != BYTES) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "the peer's tcp endpoint has " + bytes.length + " bytes, not " + BYTES);
        }
        return new Endpoint(Byte.toUnsignedInt(bytes[1]) | Byte.toUnsignedInt(bytes[2]) << 8);
    }
}
