package com.ibm.net.rdma.jverbs.verbs;

import io.kvwire.ffi.verbs.ReceiveRequests;
import io.kvwire.ffi.verbs.SendRequests;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;

/** A queue pair. */
public final class QueuePair {
    /** Kinds of queue pairs. */
    public enum Type {
        /** Reliable connected. */
        IBV_QPT_RC
    }

    private final io.kvwire.ffi.verbs.QueuePair pair;
    private final QueuePairLimit limits;

    QueuePair(io.kvwire.ffi.verbs.QueuePair pair, QueuePairLimit limits) {
        this.pair = pair;
        this.limits = limits;
    }

    /** {@return the bindings' own} */
    public io.kvwire.ffi.verbs.QueuePair bound() {
        return pair;
    }

    public PostSendMethod preparePostSend(List<SendWorkRequest> requests) {
        return new PostSendMethod(() -> {
            try (var arena = Arena.ofConfined()) {
                var list = SendRequests.allocate(arena, requests.size(), limits.sendPieces);
                for (var request : requests) {
                    request.writeTo(list);
                }
                check(pair.post(list));
            }
        });
    }

    public PostReceiveMethod preparePostReceive(List<ReceiveWorkRequest> requests) {
        return new PostReceiveMethod(() -> {
            try (var arena = Arena.ofConfined()) {
                var list = ReceiveRequests.allocate(arena, requests.size(), limits.receivePieces);
                for (var request : requests) {
                    request.writeTo(list);
                }
                check(pair.post(list));
            }
        });
    }

    private static void check(int status) throws IOException {
        if (status != 0) {
            throw new IOException("posting failed with errno " + status);
        }
    }
}
