package io.kvwire.rdma;

import io.kvwire.ffi.verbs.ConnectionManager;
import io.kvwire.ffi.verbs.Context;
import io.kvwire.ffi.verbs.Device;
import io.kvwire.ffi.verbs.Disni;
import io.kvwire.ffi.verbs.GidEntry;
import io.kvwire.ffi.verbs.PortAttributes;
import io.kvwire.ffi.verbs.VerbsLibrary;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** The devices of libibverbs, called through the foreign function interface or through DiSNI. */
final class NativeVerbs implements Verbs {

    private final String name;
    private final Supplier<String> reason;
    private final Function<Device, Context> opener;

    private NativeVerbs(String name, Supplier<String> reason, Function<Device, Context> opener) {
        this.name = name;
        this.reason = reason;
        this.opener = opener;
    }

    /** {@return libibverbs through the foreign function interface} */
    static Verbs panama() {
        return new NativeVerbs(
                "panama",
                VerbsLibrary::reason,
                device -> VerbsLibrary.open(device, device.callMode()));
    }

    /** {@return libibverbs with requests and completions going through DiSNI} */
    static Verbs disni() {
        return new NativeVerbs("disni", Disni::reason, Disni::open);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.of(reason.get()).filter(text -> !text.isEmpty());
    }

    @Override
    public Optional<String> unmanageable() {
        return Optional.of(ConnectionManager.reason()).filter(text -> !text.isEmpty());
    }

    @Override
    public List<VerbsPort> ports() {
        var ports = new ArrayList<VerbsPort>();
        for (var device : VerbsLibrary.devices()) {
            try (var context = opener.apply(device)) {
                var addresses = context.addresses();
                for (int port = 1; port <= context.attributes().ports(); port++) {
                    ports.add(port(context, port, addresses));
                }
            }
        }
        return ports;
    }

    private static VerbsPort port(Context context, int number, List<GidEntry> addresses) {
        var attributes = context.port(number);
        var gids =
                addresses.stream()
                        .filter(entry -> entry.port() == number)
                        .map(NativeVerbs::gid)
                        .toList();
        return new VerbsPort(
                context.device().name(),
                number,
                attributes.state() == PortAttributes.State.ACTIVE,
                attributes.ethernet(),
                attributes.localIdentifier(),
                attributes.activeMtuBytes(),
                gids);
    }

    private static Gid gid(GidEntry entry) {
        var kind =
                switch (entry.type()) {
                    case INFINIBAND -> Gid.Kind.INFINIBAND;
                    case ROCE_V1 -> Gid.Kind.ROCE_V1;
                    case ROCE_V2 -> Gid.Kind.ROCE_V2;
                };
        return new Gid(entry.index(), kind, entry.gid().high(), entry.gid().low());
    }

    @Override
    public VerbsDevice open(String name) {
        return VerbsLibrary.devices().stream()
                .filter(device -> device.name().equals(name))
                .findFirst()
                .map(device -> new NativeDevice(opener.apply(device)))
                .orElseThrow(() ->
                        new TransferException(
                                ErrorCode.PATH_UNAVAILABLE, "RDMA device " + name + " is gone"));
    }
}
