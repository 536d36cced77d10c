package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.ArrayList;
import java.util.List;

/**
 * One port that a node uses: its device, opened, what is registered with it, and the pollers of its
 * queue pairs. Thread-safe.
 */
final class Rail implements AutoCloseable {
    private final RailChoice.Pick pick;
    private final VerbsDevice device;
    private final Registrations registrations;
    private final List<Poller> pollers = new ArrayList<>();
    private final boolean windows;
    private int nextPoller;

    Rail(
            RailChoice.Pick pick,
            VerbsDevice device,
            DeviceSegments devices,
            RdmaOptions options,
            String node) {
        this.pick = pick;
        this.device = device;
        registrations =
                new Registrations(
                        device,
                        devices,
                        options.registrations(),
                        options.relaxedOrdering() ? MemoryAccess.RELAXED_ORDERING : 0);
        try {
            windows = windows(device, options);
            for (int i = 0; i < options.threads(); i++) {
                var name = "kvwire-" + node + "-rdma-" + pick.port().label() + "-" + i;
                pollers.add(new Poller(name, device, options));
            }
        } catch (RuntimeException e) {
            pollers.forEach(Poller::release);
            device.close();
            throw e;
        }
    }

    private static boolean windows(VerbsDevice device, RdmaOptions options) {
        boolean any = device.limits().windows() > 0;
        if (!any && options.keys() == RdmaOptions.Keys.WINDOWS) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "rdma.keys is windows, and the device has no memory windows of type 2, or the"
                            + " provider no call for them: use rdma.keys=auto");
        }
        return switch (options.keys()) {
            case AUTO -> any && device.bindsOnce();
            case WINDOWS -> true;
            case REGISTRATIONS -> false;
        };
    }

    /** {@return whether peers reach memory through windows, not by keys of registrations} */
    boolean windows() {
        return windows;
    }

    void start() {
        pollers.forEach(Poller::start);
    }

    RailChoice.Pick pick() {
        return pick;
    }

    VerbsDevice device() {
        return device;
    }

    Registrations registrations() {
        return registrations;
    }

    List<Poller> pollers() {
        return pollers;
    }

    /** {@return the poller for the next lane} */
    synchronized Poller poller() {
        return pollers.get(nextPoller++ % pollers.size());
    }

    /** Ends the pollers, whose lanes are gone, and gives everything back. */
    @Override
    public void close() {
        pollers.forEach(Poller::stop);
        pollers.forEach(Poller::join);
        pollers.forEach(Poller::release);
        registrations.close();
        device.close();
    }
}
