package io.kvwire.harness.split;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.Lease;
import io.kvwire.transport.Peer;

/**
 * A computed prompt that waits for its reader.
 *
 * @param cache holds it
 * @param table its blocks
 * @param lease for the reader
 * @param last whether nobody needs the blocks after the reader
 */
record LeasedRequest(KvCache cache, BlockTable table, Lease lease, boolean last) {
    /** Requests are named by their peer: two decode nodes may choose the same number. */
    record Name(Peer peer, long requestId) {}

    /** Ends the lease and gives the blocks back; harmless when done before. */
    void end() {
        lease.close();
        if (last) {
            var _ = cache.retire(table);
        }
    }
}
