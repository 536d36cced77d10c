package io.kvwire.tck.memory;

import io.kvwire.transport.TransferException;

/** One lane: a pipe each way, which break together. Shared by both ends. Thread-safe. */
final class Lane {
    private final Pipe forth = new Pipe();
    private final Pipe back = new Pipe();
    private TransferException reason;

    Pipe outbound(boolean connector) {
        return connector ? forth : back;
    }

    Pipe inbound(boolean connector) {
        return connector ? back : forth;
    }

    /** Breaks both pipes; the first reason stays. */
    void breakOff(TransferException why) {
        synchronized (this) {
            if (reason == null) {
                reason = why;
            }
        }
        forth.breakOff();
        back.breakOff();
    }

    synchronized boolean broken() {
        return reason != null;
    }

    synchronized TransferException reason() {
        return reason;
    }
}
