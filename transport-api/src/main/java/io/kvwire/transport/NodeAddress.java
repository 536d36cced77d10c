package io.kvwire.transport;

/**
 * Where a node listens.
 *
 * @param host a name or numeric address; for IPv6 without brackets
 * @param port 1 to 65535; 0 when listening asks for any free one
 */
public record NodeAddress(String host, int port) {
    /** Checks host and port. */
    public NodeAddress {
        if (host.isBlank()) {
            throw new IllegalArgumentException("empty host: give a name or an address");
        }
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port " + port + ": need 0 to 65535");
        }
    }

    /** Any free port on the loopback interface. */
    public static final NodeAddress LOOPBACK = new NodeAddress("127.0.0.1", 0);

    /**
     * {@return the address in {@code HOST:PORT} or {@code [IPV6]:PORT}}
     *
     * @param text an address
     * @throws IllegalArgumentException when it has no port or the port is no number in range
     */
    public static NodeAddress parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1) {
            throw new IllegalArgumentException("'" + text + "' has no port: write HOST:PORT");
        }
        var host = text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        try {
            return new NodeAddress(host, Integer.parseInt(text.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "'" + text.substring(colon + 1) + "' is no port: write HOST:PORT", e);
        }
    }

    @Override
    public String toString() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }
}
