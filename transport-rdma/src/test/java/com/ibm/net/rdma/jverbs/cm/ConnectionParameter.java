package com.ibm.net.rdma.jverbs.cm;

import io.kvwire.ffi.verbs.QueuePairSettings;

/** How a connection is asked for or accepted. */
public final class ConnectionParameter {
    private final QueuePairSettings settings;

    public ConnectionParameter(
            int responderResources, int initiatorDepth, int retryCount, int rnrRetryCount) {
        settings =
                new QueuePairSettings(0, 0, 0)
                        .reads(responderResources, initiatorDepth)
                        .timeout(14, retryCount)
                        .notReady(12, rnrRetryCount);
    }

    QueuePairSettings settings() {
        return settings;
    }
}
