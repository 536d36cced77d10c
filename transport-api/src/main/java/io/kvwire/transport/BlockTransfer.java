package io.kvwire.transport;

import java.util.Objects;

/**
 * The blocks of one request to move between a cache here and one at a peer. Both tables start at
 * token 0 of the request; the tokens moved are {@code [firstToken, firstToken + tokens)}, all
 * layers.
 *
 * @param requestId the application's name of the request; travels with every frame
 * @param local cache of this node
 * @param localBlocks the request's blocks here
 * @param remote cache of the peer
 * @param remoteBlocks the request's blocks there
 * @param firstToken first token to move, from 0
 * @param tokens how many tokens, at least 0
 * @param leaseId for a READ, the lease at the owner under which the blocks are read; 0 for none
 */
public record BlockTransfer(
        long requestId,
        KvCache local,
        BlockTable localBlocks,
        RemoteCache remote,
        BlockTable remoteBlocks,
        int firstToken,
        int tokens,
        long leaseId) {

    /** Checks that both tables reach as far as the tokens. */
    public BlockTransfer {
        Objects.requireNonNull(local, "local");
        Objects.requireNonNull(remote, "remote");
        if (firstToken < 0 || tokens < 0 || firstToken > Integer.MAX_VALUE - tokens) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "tokens "
                            + firstToken
                            + " + "
                            + tokens
                            + ": need a range from 0 that does not wrap");
        }
        reaches("local", local.layout(), localBlocks, firstToken + tokens);
        reaches("remote", remote.layout(), remoteBlocks, firstToken + tokens);
    }

    private static void reaches(String side, KvLayout layout, BlockTable table, int end) {
        if (table.size() < layout.blocksFor(end)) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "the "
                            + side
                            + " block table has "
                            + table.size()
                            + " blocks of "
                            + layout.tokensPerBlock()
                            + " tokens, and token "
                            + end
                            + " needs "
                            + layout.blocksFor(end));
        }
    }

    /**
     * {@return a transfer of whole blocks without a lease}
     *
     * @param requestId the application's name of the request
     * @param local cache of this node
     * @param localBlocks the request's blocks here
     * @param remote cache of the peer
     * @param remoteBlocks the request's blocks there
     * @param tokens tokens from 0
     */
    public static BlockTransfer of(
            long requestId,
            KvCache local,
            BlockTable localBlocks,
            RemoteCache remote,
            BlockTable remoteBlocks,
            int tokens) {
        return new BlockTransfer(requestId, local, localBlocks, remote, remoteBlocks, 0, tokens, 0);
    }

    /**
     * {@return this transfer under a lease of the owner}
     *
     * @param lease see {@link Lease#id()}
     */
    public BlockTransfer underLease(long lease) {
        return new BlockTransfer(
                requestId, local, localBlocks, remote, remoteBlocks, firstToken, tokens, lease);
    }
}
