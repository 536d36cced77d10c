package io.kvwire.rdma;

import java.util.List;
import java.util.Optional;

/**
 * One way to call the verbs of the host's RDMA devices. The objects behind it are used by one
 * thread at a time unless they say otherwise.
 */
interface Verbs {
    /**
     * {@return the name of the provider, as the option {@code rdma.provider} and the report give
     * it}
     */
    String name();

    /** {@return why this provider cannot be used here, or empty when it can} */
    Optional<String> unavailable();

    /**
     * {@return why queue pairs cannot be connected by what their owners tell each other, or empty
     * when they can}
     */
    default Optional<String> unexchangeable() {
        return Optional.empty();
    }

    /**
     * {@return why queue pairs cannot be connected through the system's connection manager, or
     * empty when they can}
     */
    Optional<String> unmanageable();

    /** {@return the ports of all devices} */
    List<VerbsPort> ports();

    /**
     * Opens a device, with a protection domain of its own.
     *
     * @param device its name
     * @return the device
     * @throws io.kvwire.transport.TransferException when it cannot be opened
     */
    VerbsDevice open(String device);
}
