package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.GrantedMemory;
import io.kvwire.transport.spi.MemoryGrant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The memory that nodes of one fabric let each other read in place. Thread-safe. */
final class MemoryViews {
    private final AtomicLong ids = new AtomicLong();
    private final Map<Long, List<MemorySegment>> granted = new ConcurrentHashMap<>();

    MemoryGrant grant(List<MemorySegment> memory) {
        long id = ids.incrementAndGet();
        granted.put(id, List.copyOf(memory));
        return new MemoryGrant() {
            @Override
            public byte[] token() {
                return ByteBuffer.allocate(Long.BYTES).putLong(id).array();
            }

            @Override
            public void revoke() {
                granted.remove(id);
            }
        };
    }

    GrantedMemory open(byte[] token) {
        long id = token.length == Long.BYTES ? ByteBuffer.wrap(token).getLong() : 0;
        var memory = granted.get(id);
        if (memory == null) {
            throw new TransferException(ErrorCode.LEASE_EXPIRED, "the grant was revoked");
        }
        return new Opened(id, memory);
    }

    private final class Opened implements GrantedMemory {
        private final long id;
        private final Arena arena = Arena.ofShared();
        private final List<MemorySegment> segments;

        Opened(long id, List<MemorySegment> memory) {
            this.id = id;
            segments = memory.stream().map(this::readable).toList();
        }

        @SuppressWarnings("restricted") // the same memory, for as long as this is open
        private MemorySegment readable(MemorySegment memory) {
            return memory.reinterpret(arena, _ -> {}).asReadOnly();
        }

        @Override
        public List<MemorySegment> segments() {
            return segments;
        }

        @Override
        public boolean current() {
            return arena.scope().isAlive() && granted.containsKey(id);
        }

        @Override
        public synchronized void close() {
            if (arena.scope().isAlive()) {
                arena.close();
            }
        }
    }
}
