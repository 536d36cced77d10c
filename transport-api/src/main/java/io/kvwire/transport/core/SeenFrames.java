package io.kvwire.transport.core;

import java.util.BitSet;

/** Which frames of a transfer have been counted, so that a frame that comes twice counts once. */
final class SeenFrames {
    private final BitSet seen = new BitSet();

    /** Marks a frame; false when it was marked before. */
    synchronized boolean first(int index) {
        if (seen.get(index)) {
            return false;
        }
        seen.set(index);
        return true;
    }
}
