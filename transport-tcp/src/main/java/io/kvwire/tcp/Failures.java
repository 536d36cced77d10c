package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.TransferException;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.ssl.NotSslRecordException;

import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.util.Optional;

import javax.net.ssl.SSLException;

/** Says what an error of the network means, and what to do about it. */
final class Failures {
    private Failures() {}

    static TransferException connect(String what, NodeAddress address, Throwable error) {
        var cause = root(error);
        var why =
                switch (cause) {
                    case UnknownHostException _ ->
                            "unknown host '"
                                    + address.host()
                                    + "'; check the name, or give a numeric address";
                    case ConnectTimeoutException _ ->
                            "timed out; check that the host is up and that no "
                                    + "firewall drops packets to port "
                                    + address.port();
                    case NoRouteToHostException _ ->
                            "no route to host; check the address and the network";
                    case ConnectException _ ->
                            "connection refused; check that a node listens on port "
                                    + address.port()
                                    + " of that interface";
                    default -> message(cause);
                };
        return new TransferException(
                ErrorCode.UNREACHABLE,
                "cannot connect " + what + " to " + address + ": " + why,
                error);
    }

    static TransferException bind(String what, NodeAddress address, Throwable error) {
        var cause = root(error);
        boolean inUse = cause instanceof BindException && message(cause).contains("in use");
        var why =
                inUse
                        ? "address already in use; choose another port or stop what listens there"
                        : cause instanceof UnknownHostException
                                ? "unknown host; give the address of one of this host's interfaces"
                                : message(cause);
        return new TransferException(
                ErrorCode.UNREACHABLE,
                "cannot listen on " + address + " for " + what + ": " + why,
                error);
    }

    /** {@return what a failure of TLS means, or empty when the error is none} */
    static Optional<TransferException> tls(String peer, Throwable error) {
        var cause = error;
        while (!(cause instanceof SSLException)) {
            cause = cause.getCause();
            if (cause == null) {
                return Optional.empty();
            }
        }
        var text = message(cause);
        String why;
        if (cause instanceof NotSslRecordException) {
            why = peer + " does not speak TLS: set up TLS on both sides or on none";
        } else if (text.startsWith("Received fatal alert: ")) {
            why =
                    peer
                            + " refused this node's certificate: "
                            + text.substring("Received fatal alert: ".length())
                            + "; check that it is valid now and signed by an authority that the"
                            + " peer trusts";
        } else {
            why =
                    "TLS with "
                            + peer
                            + " failed: "
                            + message(root(cause))
                            + "; check that its certificate is there, valid now, and signed by an"
                            + " authority that this node trusts";
        }
        return Optional.of(new TransferException(ErrorCode.REFUSED, why, error));
    }

    static String message(Throwable error) {
        return error.getMessage() == null ? error.toString() : error.getMessage();
    }

    private static Throwable root(Throwable error) {
        var cause = error;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        return cause;
    }
}
