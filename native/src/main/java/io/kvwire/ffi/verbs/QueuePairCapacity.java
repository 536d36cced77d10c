package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * What a queue pair holds.
 *
 * @param sends requests in its send queue
 * @param receives requests in its receive queue; 0 with a shared one
 * @param sendSegments gather elements of a request to send
 * @param receiveSegments scatter elements of a request to receive
 * @param inlineBytes bytes that a request can carry inside itself
 */
public record QueuePairCapacity(
        int sends, int receives, int sendSegments, int receiveSegments, int inlineBytes) {

    static QueuePairCapacity read(MemorySegment memory, long offset) {
        return new QueuePairCapacity(
                memory.get(JAVA_INT, offset + IbvQpCap.MAX_SEND_WR),
                memory.get(JAVA_INT, offset + IbvQpCap.MAX_RECV_WR),
                memory.get(JAVA_INT, offset + IbvQpCap.MAX_SEND_SGE),
                memory.get(JAVA_INT, offset + IbvQpCap.MAX_RECV_SGE),
                memory.get(JAVA_INT, offset + IbvQpCap.MAX_INLINE_DATA));
    }

    void write(MemorySegment memory, long offset) {
        memory.set(JAVA_INT, offset + IbvQpCap.MAX_SEND_WR, sends);
        memory.set(JAVA_INT, offset + IbvQpCap.MAX_RECV_WR, receives);
        memory.set(JAVA_INT, offset + IbvQpCap.MAX_SEND_SGE, sendSegments);
        memory.set(JAVA_INT, offset + IbvQpCap.MAX_RECV_SGE, receiveSegments);
        memory.set(JAVA_INT, offset + IbvQpCap.MAX_INLINE_DATA, inlineBytes);
    }
}
