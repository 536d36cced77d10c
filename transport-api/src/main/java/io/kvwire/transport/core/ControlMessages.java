package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The control messages after the handshake, as docs/spec/wire-format.md fixes them. */
final class ControlMessages {
    static final int HELLO = 1;
    static final int WELCOME = 2;
    static final int REJECT = 3;
    static final int HEARTBEAT = 4;
    static final int GOODBYE = 5;
    static final int NOTIFY = 6;
    static final int ATTACH = 7;
    static final int PROGRESS = 8;
    static final int DONE = 9;
    static final int FAILED = 10;
    static final int CANCEL = 11;
    static final int READ_BLOCKS = 12;
    static final int READ_RANGES = 13;
    static final int LEASE_RENEW = 14;
    static final int LEASE_STATE = 15;
    static final int LEASE_RELEASE = 16;
    static final int CACHE = 17;
    static final int REGION = 18;
    static final int WITHDRAWN = 19;
    static final int READY = 20;
    static final int LINK = 21;
    static final int RATE = 22;
    static final int PROBED = 23;
    static final int VIEW = 24;
    static final int VIEWED = 25;
    static final int VIEW_ENDED = 26;
    static final int VIEW_CLOSED = 27;

    /** Whose name a transfer id is: the receiver of the message initiated it. */
    static final int YOURS = 0;

    /** Whose name a transfer id is: the sender of the message initiated it. */
    static final int MINE = 1;

    /** The longest message of a failure that travels, in characters. */
    static final int MAX_REASON_CHARS = 1000;

    private static final int RANGE_BYTES = 28;

    private ControlMessages() {}

    /**
     * A request for blocks.
     *
     * @param sourceCache at the responder
     * @param targetCache at the initiator, whose layout the bytes will have
     * @param firstToken first token of the request to send
     * @param tokens how many
     * @param firstBlock position in the request's block table of the first entry of {@code ids}
     */
    @SuppressWarnings("ArrayRecordComponent") // a message: made, encoded, dropped; never compared
    record ReadBlocks(
            long transferId,
            long requestId,
            long leaseId,
            long deadlineNanos,
            boolean checksum,
            int sourceCache,
            int targetCache,
            int firstToken,
            int tokens,
            int firstBlock,
            int[] ids,
            int[] generations) {

        ByteBuffer encode() {
            var out =
                    new MessageWriter(READ_BLOCKS)
                            .u64(transferId)
                            .u64(requestId)
                            .u64(leaseId)
                            .u64(deadlineNanos)
                            .u8(checksum ? 1 : 0)
                            .u32(sourceCache)
                            .u32(targetCache)
                            .u32(firstToken)
                            .u32(tokens)
                            .u32(firstBlock)
                            .u32(ids.length);
            for (int i = 0; i < ids.length; i++) {
                out.u32(ids[i]).u32(generations[i]);
            }
            return out.message();
        }

        static ReadBlocks decode(MessageReader in) {
            long transferId = in.u64();
            long requestId = in.u64();
            long leaseId = in.u64();
            long deadlineNanos = in.u64();
            boolean checksum = in.u8() != 0;
            int sourceCache = in.u32();
            int targetCache = in.u32();
            int firstToken = in.u32();
            int tokens = in.u32();
            int firstBlock = in.u32();
            int count = in.count(BlockTable.MAX_BLOCKS, 8);
            int[] ids = new int[count];
            int[] generations = new int[count];
            for (int i = 0; i < count; i++) {
                ids[i] = in.u32();
                generations[i] = in.u32();
                if (ids[i] < 0) {
                    throw MessageReader.malformed("negative block id " + ids[i]);
                }
            }
            in.end();
            if (firstToken < 0
                    || tokens < 0
                    || firstToken > Integer.MAX_VALUE - tokens
                    || firstBlock < 0) {
                throw MessageReader.malformed("token range of a read");
            }
            return new ReadBlocks(
                    transferId,
                    requestId,
                    leaseId,
                    deadlineNanos,
                    checksum,
                    sourceCache,
                    targetCache,
                    firstToken,
                    tokens,
                    firstBlock,
                    ids,
                    generations);
        }
    }

    /** A message for the application. */
    static MessageWriter notification(byte[] payload) {
        return new MessageWriter(NOTIFY, 1 + Integer.BYTES + payload.length).bytes(payload);
    }

    /** What a side says of a transfer that it cannot go on with. */
    static MessageWriter failed(int whose, long transferId, TransferException reason) {
        return new MessageWriter(FAILED)
                .u8(whose)
                .u64(transferId)
                .u32(reason.code().number())
                .text(reason(reason));
    }

    /** The message of a failure, as much of it as travels. */
    static String reason(TransferException failure) {
        var text = String.valueOf(failure.getMessage());
        return text.substring(0, Math.min(text.length(), MAX_REASON_CHARS));
    }

    /** A request for ranges of a region; only the source side of the copies travels. */
    record ReadRanges(
            long transferId,
            long requestId,
            long deadlineNanos,
            boolean checksum,
            int region,
            int generation,
            List<StridedCopy> ranges) {

        ByteBuffer encode() {
            var out =
                    new MessageWriter(READ_RANGES)
                            .u64(transferId)
                            .u64(requestId)
                            .u64(deadlineNanos)
                            .u8(checksum ? 1 : 0)
                            .u32(region)
                            .u32(generation)
                            .u32(ranges.size());
            for (var range : ranges) {
                out.u64(range.sourceOffset())
                        .u64(range.sourceStride())
                        .u64(range.length())
                        .u32(range.count());
            }
            return out.message();
        }

        static ReadRanges decode(MessageReader in) {
            long transferId = in.u64();
            long requestId = in.u64();
            long deadlineNanos = in.u64();
            boolean checksum = in.u8() != 0;
            int region = in.u32();
            int generation = in.u32();
            int count = in.count(Integer.MAX_VALUE / RANGE_BYTES, RANGE_BYTES);
            var ranges = new ArrayList<StridedCopy>(count);
            for (int i = 0; i < count; i++) {
                long offset = in.u64();
                long stride = in.u64();
                long length = in.u64();
                int pieces = in.u32();
                ranges.add(new StridedCopy(offset, stride, 0, 0, length, pieces));
            }
            in.end();
            return new ReadRanges(
                    transferId, requestId, deadlineNanos, checksum, region, generation, ranges);
        }
    }
}
