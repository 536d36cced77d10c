package io.kvwire.rdma;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A work request of a simulated queue pair. */
final class SimRequest {
    int opcode;
    int flags;
    long id;
    long remote;
    int remoteKey;
    int immediate;
    SimWindow window;
    SimKeys shown;
    byte[] inline;

    /** Address, length and key of each piece of local memory. */
    final List<long[]> pieces = new ArrayList<>();

    long bytes() {
        return pieces.stream().mapToLong(piece -> piece[1]).sum();
    }

    /** {@return a copy of the bytes of all pieces} */
    byte[] collect() {
        var data = new byte[(int) bytes()];
        int at = 0;
        for (var piece : pieces) {
            MemorySegment.copy(
                    SimFabric.at(piece[0], piece[1]),
                    ValueLayout.JAVA_BYTE,
                    0,
                    data,
                    at,
                    (int) piece[1]);
            at += (int) piece[1];
        }
        return data;
    }
}
