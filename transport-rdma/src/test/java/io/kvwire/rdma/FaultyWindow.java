package io.kvwire.rdma;

/** A window under another key than the peer is told. */
final class FaultyWindow implements Window {
    private final Window real;
    private final OrderedFaults faults;
    private int bound;

    FaultyWindow(Window real, OrderedFaults faults) {
        this.real = real;
        this.faults = faults;
    }

    Window real() {
        return real;
    }

    /** {@return the key that it is bound to, or will be} */
    int bound() {
        return bound;
    }

    /** {@return the key that the peer is told} */
    @Override
    public int nextKey() {
        int before = bound;
        bound = real.nextKey();
        int told =
                switch (faults.key) {
                    case WRONG -> ~bound;
                    case STALE -> before == 0 ? ~bound : before;
                    default -> bound;
                };
        faults.trueKeys.put(told, bound);
        return told;
    }

    @Override
    public void close() {
        real.close();
    }
}
