package io.kvwire.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.Errno;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Waits until one of some descriptors has something to read. Allocates nothing after construction;
 * confined to one thread.
 */
public final class Poll {

    private static final long SIZE = Structs.POLLFD.byteSize();
    private static final long FD = CStruct.offset(Structs.POLLFD, "fd");
    private static final long EVENTS = CStruct.offset(Structs.POLLFD, "events");
    private static final long REVENTS = CStruct.offset(Structs.POLLFD, "revents");

    private final MemorySegment errno;
    private final MemorySegment requests;
    private final int capacity;
    private int count;

    /**
     * Makes an empty set.
     *
     * @param arena owns its memory
     * @param capacity the most descriptors
     */
    public Poll(Arena arena, int capacity) {
        this.capacity = capacity;
        errno = Errno.allocate(arena);
        requests = arena.allocate(Structs.POLLFD, capacity);
    }

    /** Takes all descriptors out. */
    public void clear() {
        count = 0;
    }

    /**
     * Adds a descriptor.
     *
     * @param descriptor an open one
     * @return its place, for {@link #ready}
     */
    public int add(int descriptor) {
        if (count == capacity) {
            throw new IllegalStateException("a set of " + capacity + " descriptors is full");
        }
        requests.set(JAVA_INT, count * SIZE + FD, descriptor);
        requests.set(JAVA_SHORT, count * SIZE + EVENTS, Constants.POLLIN);
        requests.set(JAVA_SHORT, count * SIZE + REVENTS, (short) 0);
        return count++;
    }

    /**
     * Waits.
     *
     * @param timeoutMillis at most; 0 not at all
     * @return whether any descriptor has something to read or is in error; a signal ends the wait
     * @throws io.kvwire.transport.TransferException when the wait fails
     */
    public boolean await(int timeoutMillis) {
        try {
            int found =
                    (int)
                            Libc.POLL.invokeExact(
                                    errno, requests.address(), (long) count, timeoutMillis);
            if (found < 0) {
                for (int i = 0; i < count; i++) {
                    requests.set(JAVA_SHORT, i * SIZE + REVENTS, (short) 0);
                }
                if (Errno.of(errno) != Errno.EINTR) {
                    throw Errno.failure("poll", Errno.of(errno), "");
                }
            }
            return found > 0;
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /**
     * {@return whether the last wait found something to read, an error or an end}
     *
     * @param place as {@link #add} gave it
     */
    public boolean ready(int place) {
        return requests.get(JAVA_SHORT, place * SIZE + REVENTS) != 0;
    }
}
