package io.kvwire.pcie;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * The words by which this process takes back what it lets others read in place: one for each grant,
 * in memory that the others can only read. A word holds the stamp of its grant until that is
 * revoked; no stamp is used twice, so whoever was stopped meanwhile finds another one, or none.
 * Thread-safe.
 */
final class Marks implements AutoCloseable {
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    /** Words that are changed and polled by different processes have a cache line each. */
    private static final int LINE_BYTES = 64;

    private final Arena arena = Arena.ofShared();
    private final List<SharedChunk> pages = new ArrayList<>();
    private final ArrayDeque<Mark> free = new ArrayDeque<>();
    private long lastStamp;
    private boolean closed;

    /**
     * One word.
     *
     * @param page always the same segment for the same memory
     * @param offset in it, in bytes
     * @param stamp that the word holds while the grant lasts
     */
    record Mark(MemorySegment page, long offset, long stamp) {
        /** {@return whether the grant lasts; what was read before was read before its end} */
        boolean set() {
            VarHandle.loadLoadFence();
            return (long) LONG.getAcquire(page, offset) == stamp;
        }
    }

    /** {@return a word with a new stamp in it} */
    synchronized Mark take() {
        if (free.isEmpty()) {
            var page = SharedChunk.map(arena, SharedChunk.PAGE_BYTES, OptionalInt.empty());
            pages.add(page);
            for (long at = 0; at < SharedChunk.PAGE_BYTES; at += LINE_BYTES) {
                free.add(new Mark(page.memory(), at, 0));
            }
        }
        var place = free.remove();
        var mark = new Mark(place.page, place.offset, ++lastStamp);
        LONG.setRelease(mark.page, mark.offset, mark.stamp);
        return mark;
    }

    /** Revokes a grant: before anything that the caller, or who hears of it, writes afterwards. */
    synchronized void clear(Mark mark) {
        if (!closed && (long) LONG.get(mark.page, mark.offset) == mark.stamp) {
            LONG.setVolatile(mark.page, mark.offset, 0L);
            VarHandle.fullFence();
            free.add(mark);
        }
    }

    /** Revokes everything, and gives the memory back. */
    @Override
    public synchronized void close() {
        closed = true;
        pages.forEach(page -> page.memory().fill((byte) 0));
        arena.close();
        pages.forEach(SharedChunk::close);
    }
}
