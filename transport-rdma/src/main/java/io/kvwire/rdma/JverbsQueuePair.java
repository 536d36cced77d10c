package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A queue pair of {@link JverbsVerbs}. jVerbs makes it when it is about to be connected; before
 * that nothing can be posted. Its number is only ours.
 */
final class JverbsQueuePair implements QueuePair {
    private final JverbsApi api;
    private final JverbsDevice device;
    private final JverbsCompletionQueue completions;
    private final JverbsReceives receives;
    private final QueueSpec spec;
    private final int number;
    private final List<Object> batch = new ArrayList<>();
    private List<Object> pieces = JverbsApi.pieces();
    private Optional<JverbsConnection> connection = Optional.empty();
    private boolean closed;

    /** jVerbs' own, and the identifier of its connection; empty before it is made. */
    private volatile Optional<Made> made = Optional.empty();

    private record Made(Object id, Object pair) {}

    JverbsQueuePair(
            JverbsApi api,
            JverbsDevice device,
            JverbsCompletionQueue completions,
            JverbsReceives receives,
            QueueSpec spec,
            int number) {
        this.api = api;
        this.device = device;
        this.completions = completions;
        this.receives = receives;
        this.spec = spec;
        this.number = number;
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public int inlineBytes() {
        return 0;
    }

    @Override
    public boolean immediates() {
        return false;
    }

    // ---- connecting -----------------------------------------------------------------------------

    @Override
    public void connect(RemoteEnd remote) {
        throw new TransferException(
                ErrorCode.PATH_UNAVAILABLE, "jVerbs connects queue pairs through rdma_cm alone");
    }

    @Override
    public int listen() {
        return connection().listen(spec.gid().ip());
    }

    @Override
    public void accept(RemoteEnd remote, long secret, long deadlineNanos) {
        var _ = connection().accept(remote.gid().ip(), this::make, deadlineNanos);
    }

    @Override
    public void connect(RemoteEnd remote, long secret, long deadlineNanos) {
        var _ =
                connection()
                        .connect(
                                new InetSocketAddress(spec.gid().ip(), 0),
                                new InetSocketAddress(remote.gid().ip(), remote.port()),
                                this::make,
                                deadlineNanos);
    }

    private synchronized JverbsConnection connection() {
        if (closed) {
            throw new TransferException(ErrorCode.CLOSED, "the lane was closed");
        }
        if (connection.isEmpty()) {
            connection = Optional.of(new JverbsConnection(api, spec));
        }
        return connection.get();
    }

    /** Makes the queue pair on an identifier that knows its device by now. */
    private void make(Object id) {
        Object attribute = api.queuePairAttribute.with();
        Object limits = api.getCap.with(attribute);
        api.setMaxSends.with(limits, spec.depth());
        api.setMaxReceives.with(limits, spec.receives());
        api.setMaxSendPieces.with(limits, spec.gathers());
        api.setMaxReceivePieces.with(limits, 1);
        api.setType.with(attribute, api.reliableConnected);
        api.setSendQueue.with(attribute, completions.queue());
        api.setReceiveQueue.with(attribute, completions.queue());
        made = Optional.of(new Made(id, api.createQueuePair.with(id, device.domain(), attribute)));
        receives.give(this, spec.receives());
    }

    /** Posts receives; those that are refused come back when this is closed. */
    void receive(List<JverbsReceives.Receive> posted) {
        var requests = JverbsReceives.requests(api, posted);
        if (requests.isEmpty()) {
            return;
        }
        try {
            api.receiving.once(api.preparePostReceive.with(pair(), requests));
        } catch (TransferException e) {
            System.getLogger("io.kvwire.rdma")
                    .log(System.Logger.Level.DEBUG, () -> "queue pair " + number, e);
        }
    }

    private Object pair() {
        return made.orElseThrow(() ->
                        new TransferException(
                                ErrorCode.LANE_LOST, "the queue pair was not connected yet"))
                .pair();
    }

    // ---- sending --------------------------------------------------------------------------------

    @Override
    public void add(int opcode, int flags, long id) {
        Object request = api.sendRequest.with();
        pieces = JverbsApi.pieces();
        api.setSendId.with(request, id);
        api.setOpcode.with(
                request,
                switch (opcode) {
                    case WRITE -> api.opcodeWrite;
                    case SEND -> api.opcodeSend;
                    case READ -> api.opcodeRead;
                    default -> throw new IllegalArgumentException("opcode " + opcode);
                });
        api.setSendFlags.with(request, (flags & SIGNALED) == 0 ? 0 : (int) api.signaled);
        api.setSendPieces.with(request, pieces);
        batch.add(request);
    }

    @Override
    public void remote(long address, int key) {
        Object rdma = api.getRdma.with(batch.getLast());
        api.setRemoteAddress.with(rdma, address);
        api.setRemoteKey.with(rdma, key);
    }

    @Override
    public void immediate(int value) {
        throw new IllegalStateException("jVerbs has no immediates");
    }

    @Override
    public void gather(long address, int bytes, int localKey) {
        Object piece = api.piece.with();
        api.setAddress.with(piece, address);
        api.setLength.with(piece, bytes);
        api.setLocalKey.with(piece, localKey);
        pieces.add(piece);
        api.setSendPieces.with(batch.getLast(), pieces);
    }

    @Override
    public int room() {
        return spec.depth() - batch.size();
    }

    @Override
    public void post() {
        try {
            api.posting.once(api.preparePostSend.with(pair(), batch));
        } finally {
            batch.clear();
        }
    }

    // ---- the end --------------------------------------------------------------------------------

    /** Disconnecting is how jVerbs brings a queue pair to the state ERR. */
    @Override
    public void error() {
        made.ifPresent(it -> api.disconnect.with(it.id()));
    }

    @Override
    public void close() {
        Optional<JverbsConnection> ending;
        synchronized (this) {
            closed = true;
            ending = connection;
        }
        ending.ifPresent(JverbsConnection::stop);
        made.ifPresent(it -> api.destroyQueuePair.with(it.id()));
        made = Optional.empty();
        receives.takeBack(this);
        ending.ifPresent(JverbsConnection::close);
    }
}
