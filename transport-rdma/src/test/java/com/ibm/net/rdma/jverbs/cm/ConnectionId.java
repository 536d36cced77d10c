package com.ibm.net.rdma.jverbs.cm;

import com.ibm.net.rdma.jverbs.verbs.ProtectionDomain;
import com.ibm.net.rdma.jverbs.verbs.QueuePair;
import com.ibm.net.rdma.jverbs.verbs.QueuePairInitAttribute;
import com.ibm.net.rdma.jverbs.verbs.VerbsContext;

import io.kvwire.ffi.verbs.Connection;
import io.kvwire.ffi.verbs.QueuePairSettings;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/** One end of a connection. */
public final class ConnectionId {
    private final EventChannel channel;
    private final Connection connection;
    private QueuePair queuePair;
    private QueuePairSettings settings;
    private boolean connected;

    ConnectionId(EventChannel channel, Connection connection) {
        this.channel = channel;
        this.connection = connection;
        channel.add(this);
    }

    /** A call of the bindings, whose exceptions become jVerbs'. */
    private interface Step {
        void run();
    }

    private static void attempt(Step step) throws IOException {
        try {
            step.run();
        } catch (TransferException e) {
            throw new IOException(e);
        }
    }

    public static ConnectionId create(EventChannel channel, PortSpace space) throws IOException {
        if (space != PortSpace.RDMA_PS_TCP) {
            throw new IOException("port space " + space);
        }
        try {
            return new ConnectionId(channel, channel.newConnection());
        } catch (TransferException e) {
            throw new IOException(e);
        }
    }

    boolean isOf(io.kvwire.ffi.verbs.ConnectionEvent event) {
        return event.concerns(connection);
    }

    public void bindAddress(SocketAddress address) throws IOException {
        attempt(() -> connection.bind((InetSocketAddress) address));
    }

    public void listen(int backlog) throws IOException {
        attempt(() -> connection.listen(backlog));
    }

    public void resolveAddress(SocketAddress source, SocketAddress destination, int timeout)
            throws IOException {
        attempt(() ->
                connection.resolveAddress(
                        (InetSocketAddress) source, (InetSocketAddress) destination, timeout));
    }

    public void resolveRoute(int timeout) throws IOException {
        attempt(() -> connection.resolveRoute(timeout));
    }

    public VerbsContext getVerbsContext() throws IOException {
        return VerbsContext.of(connection.deviceName());
    }

    public QueuePair createQueuePair(ProtectionDomain domain, QueuePairInitAttribute attribute)
            throws IOException {
        try {
            queuePair = domain.createQueuePair(attribute);
            return queuePair;
        } catch (TransferException e) {
            throw new IOException(e);
        }
    }

    public void destroyQueuePair() throws IOException {
        attempt(() -> queuePair.bound().close());
    }

    public void connect(ConnectionParameter parameter) throws IOException {
        settings = parameter.settings();
        attempt(() -> connection.connect(queuePair.bound(), settings, new byte[0]));
    }

    /** The peer has accepted: with a queue pair of its own, the identifier does the rest. */
    void established() {
        connection.ready(queuePair.bound(), settings);
        connection.establish();
        connected = true;
    }

    public void accept(ConnectionParameter parameter) throws IOException {
        attempt(() -> {
            connection.ready(queuePair.bound(), parameter.settings());
            connection.accept(queuePair.bound(), parameter.settings());
            connected = true;
        });
    }

    public void disconnect() throws IOException {
        attempt(() -> {
            queuePair.bound().toError();
            if (connected) {
                connected = false;
                connection.disconnect();
            }
        });
    }

    public SocketAddress getDestinationAddress() {
        return connection.peer();
    }

    public void destroy() throws IOException {
        channel.remove(this);
        attempt(connection::close);
    }
}
