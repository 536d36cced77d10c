package io.kvwire.rdma;

import java.util.Optional;

/** A simulated memory window, and the key under which it shows something now. */
final class SimWindow implements Window {
    private final SimFabric fabric;
    private int key;
    private Optional<SimKeys> bound = Optional.empty();

    SimWindow(SimFabric fabric, int key) {
        this.fabric = fabric;
        this.key = key;
    }

    @Override
    public int nextKey() {
        fabric.lock.lock();
        try {
            key = fabric.nextKey();
            return key;
        } finally {
            fabric.lock.unlock();
        }
    }

    /** {@return whether it was not bound; called with the fabric's lock} */
    boolean bind(SimKeys shown) {
        if (bound.filter(keys -> fabric.has(keys)).isPresent()) {
            return false;
        }
        bound = Optional.of(shown);
        return true;
    }

    @Override
    public void close() {
        bound.ifPresent(fabric::deregister);
    }
}
