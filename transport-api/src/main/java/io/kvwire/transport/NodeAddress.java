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
        if (host.isEmpty() || host.chars().anyMatch(c -> c <= ' ' || c == '[' || c == ']')) {
            throw new IllegalArgumentException(
                    "'" + host + "' is no host: give a name, or an address without brackets");
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
     * @throws IllegalArgumentException when it has no host or no port, when the port is no number
     *     in range, or when an IPv6 address has no brackets, so that its end cannot be told
     */
    public static NodeAddress parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1 || text.endsWith("]")) {
            throw new IllegalArgumentException("'" + text + "' has no port: write HOST:PORT");
        }
        var host = text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            throw new IllegalArgumentException(
                    "'" + text + "' may end in a port or not: write [IPV6]:PORT");
        }
        return new NodeAddress(host, port(text.substring(colon + 1)));
    }

    private static int port(String digits) {
        if (!digits.matches("[0-9]{1,5}")) {
            throw new IllegalArgumentException("'" + digits + "' is no port: need 0 to 65535");
        }
        return Integer.parseInt(digits);
    }

    @Override
    public String toString() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }
}
