package io.kvwire.rdma;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Receives that queue pairs have in common where none can be shared: each queue pair is given its
 * share when it is connected, what it has received is posted to it again, and what it leaves behind
 * goes to the next one. Thread-safe.
 *
 * <p>The ids that jVerbs sees carry the number of a buffer and of its use, so that a completion for
 * a queue pair that is gone is told from one for the next.
 */
final class JverbsReceives implements ReceiveQueue {
    private static final int USE_SHIFT = 32;
    private static final long USE_MASK = 0x7FFF_FFFF;

    private final ArrayDeque<Receive> free = new ArrayDeque<>();
    private Receive[] receives = {};

    /** One buffer, and where it is posted. */
    static final class Receive {
        final int index;
        long address;
        int bytes;
        int localKey;
        long use;
        JverbsQueuePair owner;
        boolean posted;

        Receive(int index) {
            this.index = index;
        }

        long id() {
            return Poller.RECEIVE | (use & USE_MASK) << USE_SHIFT | index;
        }
    }

    @Override
    public void post(long id, long address, int bytes, int localKey) {
        int index = (int) (id & ~Poller.RECEIVE);
        JverbsQueuePair owner;
        Receive receive;
        synchronized (this) {
            grow(index + 1);
            receive = receives[index];
            receive.address = address;
            receive.bytes = bytes;
            receive.localKey = localKey;
            owner = receive.owner;
            if (owner == null) {
                free.add(receive);
                return;
            }
            receive.posted = true;
            receive.use++;
        }
        owner.receive(List.of(receive));
    }

    private void grow(int size) {
        int before = receives.length;
        if (size > before) {
            receives = Arrays.copyOf(receives, Math.max(size, 2 * before));
            for (int i = before; i < receives.length; i++) {
                receives[i] = new Receive(i);
            }
        }
    }

    /** Posts its share to a queue pair that is about to be connected. */
    void give(JverbsQueuePair pair, int share) {
        var given = new ArrayList<Receive>();
        synchronized (this) {
            while (given.size() < share && !free.isEmpty()) {
                var receive = free.poll();
                receive.owner = pair;
                receive.posted = true;
                receive.use++;
                given.add(receive);
            }
        }
        pair.receive(given);
    }

    /** Takes back what a queue pair has not used; it was destroyed before. */
    synchronized void takeBack(JverbsQueuePair pair) {
        for (var receive : receives) {
            if (receive.owner == pair) {
                receive.owner = null;
                // One that was completed comes back when its message was read.
                if (receive.posted) {
                    receive.posted = false;
                    receive.use++;
                    free.add(receive);
                }
            }
        }
    }

    /** {@return whether a completed receive is of use, with its id and queue pair put right} */
    synchronized boolean completed(Completions into, int at) {
        long id = into.id[at];
        var receive = receives[(int) id];
        if (receive.id() != id || !receive.posted) {
            return false;
        }
        receive.posted = false;
        if (into.status[at] != Completions.SUCCESS) {
            // Posted again it would only be flushed again.
            receive.owner = null;
            free.add(receive);
            return false;
        }
        into.id[at] = Poller.RECEIVE | receive.index;
        into.queuePair[at] = receive.owner.number();
        return true;
    }

    /** {@return jVerbs' work requests for some buffers} */
    static List<Object> requests(JverbsApi api, List<Receive> posted) {
        var requests = new ArrayList<Object>();
        for (var receive : posted) {
            Object piece = api.piece.with();
            api.setAddress.with(piece, receive.address);
            api.setLength.with(piece, receive.bytes);
            api.setLocalKey.with(piece, receive.localKey);
            var pieces = JverbsApi.pieces();
            pieces.add(piece);
            Object request = api.receiveRequest.with();
            api.setReceiveId.with(request, receive.id());
            api.setReceivePieces.with(request, pieces);
            requests.add(request);
        }
        return requests;
    }

    @Override
    public synchronized void close() {
        free.clear();
        receives = new Receive[0];
    }
}
