package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The verbs of IBM's jVerbs, where the virtual machine has them. jVerbs connects queue pairs
 * through the connection manager alone, knows no immediates, no shared receive queues and no inline
 * sends, and registers at most 2 GiB at a time. Devices and addresses are listed through
 * libibverbs.
 *
 * <p>It was tested on classes of the same names and signatures, and never against IBM's own: only
 * virtual machines for Java 8 ever came with them.
 */
final class JverbsVerbs implements Verbs {
    private static final String NAME = "jverbs";

    private final ClassLoader loader;
    private final Verbs devices;
    private Optional<Binding> binding = Optional.empty();

    /** jVerbs as loaded by kvwire's own class loader. */
    JverbsVerbs() {
        this(JverbsVerbs.class.getClassLoader(), NativeVerbs.panama());
    }

    JverbsVerbs(ClassLoader loader, Verbs devices) {
        this.loader = loader;
        this.devices = devices;
    }

    /** Bound when it is first asked for, or the reason why it cannot be. */
    private record Binding(Optional<JverbsApi> api, String reason) {
        static Binding of(ClassLoader loader) {
            try {
                return new Binding(Optional.of(new JverbsApi(loader)), "");
            } catch (ClassNotFoundException e) {
                return new Binding(
                        Optional.empty(),
                        "this virtual machine has no jVerbs (class "
                                + e.getMessage()
                                + "): only IBM SDK 7.1 to 8 came with it");
            } catch (ReflectiveOperationException | LinkageError e) {
                return new Binding(
                        Optional.empty(), "this is not the jVerbs that kvwire knows: " + e);
            }
        }
    }

    private synchronized Binding binding() {
        if (binding.isEmpty()) {
            binding = Optional.of(Binding.of(loader));
        }
        return binding.get();
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Optional<String> unavailable() {
        var bound = binding();
        return bound.api().isEmpty() ? Optional.of(bound.reason()) : devices.unavailable();
    }

    @Override
    public Optional<String> unexchangeable() {
        return Optional.of(
                "jVerbs knows only rdma_cm: use rdma.connect=cm, and the provider jverbs, at the"
                        + " other end, too");
    }

    @Override
    public Optional<String> unmanageable() {
        return Optional.empty();
    }

    @Override
    public List<VerbsPort> ports() {
        return devices.ports();
    }

    @Override
    public VerbsDevice open(String name) {
        var api =
                binding()
                        .api()
                        .orElseThrow(() ->
                                new TransferException(
                                        ErrorCode.PATH_UNAVAILABLE, binding().reason()));
        var address =
                ports().stream()
                        .filter(port -> port.device().equals(name))
                        .flatMap(port -> port.gids().stream())
                        .filter(gid -> gid.kind() == Gid.Kind.ROCE_V2 && !gid.empty())
                        .min(Comparator.comparing(gid -> !gid.ipv4()))
                        .orElseThrow(() ->
                                new TransferException(
                                        ErrorCode.PATH_UNAVAILABLE,
                                        "device " + name + " has no address that rdma_cm takes"));
        DeviceLimits limits;
        try (var device = devices.open(name)) {
            limits = device.limits().withoutWindows();
        }
        return new JverbsDevice(api, address.ip(), limits);
    }
}
