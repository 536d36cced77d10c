package io.kvwire.rdma;

import java.lang.foreign.MemorySegment;

/**
 * What a frame shows to the peer through one {@link Window}: from the first to the last of its
 * pieces in one registration. Reused; confined to one thread.
 */
final class Shown {
    private final Window window;
    private final Registrations registrations;
    private Registrations.Use use;
    private int access;
    private int key;
    private long start;
    private long end;
    private Slot owner;
    private int ownerId;

    /** Whether the device has been told, or soon will be. */
    boolean bound;

    /** The work request that ends the binding. */
    long last;

    Shown(Window window, Registrations registrations) {
        this.window = window;
        this.registrations = registrations;
    }

    /** Begins anew, with nothing shown of a segment yet. */
    void begin(MemorySegment segment, int shownAccess) {
        boolean written = (shownAccess & MemoryAccess.REMOTE_WRITE) != 0;
        use =
                registrations.acquire(
                        segment,
                        MemoryAccess.WINDOW_BIND | (written ? MemoryAccess.LOCAL_WRITE : 0));
        access = shownAccess;
        key = window.nextKey();
        start = Long.MAX_VALUE;
        end = 0;
        bound = false;
        owner = null;
    }

    /** {@return whether it shows parts of a segment} */
    boolean of(MemorySegment segment) {
        return use.segment() == segment;
    }

    /** Shows a piece, too. */
    void extend(long address, long bytes) {
        start = Math.min(start, address);
        end = Math.max(end, address + bytes);
    }

    int key() {
        return key;
    }

    Window window() {
        return window;
    }

    MemoryKeys registration() {
        return use.keys();
    }

    long start() {
        return start;
    }

    long bytes() {
        return end - start;
    }

    int access() {
        return access;
    }

    /** Has a slot told when nothing is shown any more. */
    void tell(Slot slot) {
        owner = slot;
        ownerId = slot.id();
    }

    /** Nothing is shown any more: gives the registration back. */
    void over() {
        bound = false;
        registrations.release(use);
        var told = owner;
        owner = null;
        if (told != null && told.id() == ownerId) {
            told.hidden();
        }
    }
}
