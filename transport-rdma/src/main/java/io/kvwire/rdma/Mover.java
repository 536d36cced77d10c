package io.kvwire.rdma;

/**
 * Moves one payload between pieces of memory here and runs of memory at the peer, by one-sided work
 * requests that each take in as many pieces as the device gathers. Reused; confined to one thread.
 */
final class Mover {
    private final SendWindow window;
    private final QueuePair pair;
    private final int maxGathers;
    private final int maxBytes;
    private final long[] address;
    private final int[] length;
    private final int[] key;
    private Pieces pieces;
    private RemoteRuns remote;
    private Holds holds;
    private int opcode;
    private int access;
    private long left;
    private long pieceAt;
    private long pieceLeft;
    private long remoteAt;
    private long remoteLeft;
    private long last;

    Mover(SendWindow window, QueuePair pair, int maxGathers, int maxBytes) {
        this.window = window;
        this.pair = pair;
        this.maxGathers = maxGathers;
        this.maxBytes = maxBytes;
        address = new long[maxGathers];
        length = new int[maxGathers];
        key = new int[maxGathers];
    }

    /** Prepares to write pieces to the peer, or to read them from there. */
    void start(int operation, Pieces here, RemoteRuns there, Holds registrations, long bytes) {
        opcode = operation;
        access = operation == QueuePair.READ ? MemoryAccess.LOCAL_WRITE : 0;
        pieces = here;
        remote = there;
        holds = registrations;
        left = bytes;
        pieceLeft = 0;
        remoteLeft = 0;
        remote.rewind();
        pieces.rewind();
    }

    /** {@return whether anything of so many bytes was posted} */
    boolean started(long bytes) {
        return left < bytes;
    }

    /** {@return the work request that was posted last} */
    long last() {
        return last;
    }

    /**
     * Posts as much as there is room for.
     *
     * @param immediate of the last WRITE
     * @return whether everything is posted; the last work request, and the last one before a pause,
     *     are signaled
     */
    boolean step(int immediate) {
        while (left > 0) {
            int space = window.space();
            if (space <= 0) {
                return false;
            }
            int gathers = gather();
            boolean whole = left == 0;
            boolean signal = whole || space == 1;
            int code =
                    whole && opcode == QueuePair.WRITE && pair.immediates()
                            ? QueuePair.WRITE_WITH_IMMEDIATE
                            : opcode;
            last = window.add(code, signal, 0);
            pair.remote(remoteAt, remote.key());
            if (code == QueuePair.WRITE_WITH_IMMEDIATE) {
                pair.immediate(immediate);
            }
            for (int i = 0; i < gathers; i++) {
                pair.gather(address[i], length[i], key[i]);
                remoteAt += length[i];
            }
        }
        return true;
    }

    /** Collects pieces up to the end of a remote run; returns how many. */
    private int gather() {
        if (remoteLeft == 0) {
            remote.next();
            remoteAt = remote.address();
            remoteLeft = remote.length();
        }
        int gathers = 0;
        long room = Math.min(Math.min(remoteLeft, maxBytes), left);
        while (room > 0 && gathers < maxGathers) {
            if (pieceLeft == 0) {
                if (!pieces.next()) {
                    throw Pieces.shortRuns(left);
                }
                pieceAt = pieces.offset();
                pieceLeft = pieces.length();
            }
            int bytes = (int) Math.min(pieceLeft, room);
            var segment = pieces.segment();
            address[gathers] = segment.address() + pieceAt;
            length[gathers] = bytes;
            key[gathers] = holds.of(segment, access).localKey();
            gathers++;
            pieceAt += bytes;
            pieceLeft -= bytes;
            room -= bytes;
            remoteLeft -= bytes;
            left -= bytes;
        }
        return gathers;
    }
}
