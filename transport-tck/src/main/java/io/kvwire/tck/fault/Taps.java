package io.kvwire.tck.fault;

import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.ControlAcceptor;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.ControlChannelProvider;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.Wires;

import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** Puts a tap into every link of a node, whatever the wire. Thread-safe, as its makers are. */
public final class Taps {
    private final Function<LinkHandler, LinkTap> links;
    private final Supplier<ControlTap> controls;

    /**
     * Makes taps.
     *
     * @param links makes the tap of a data link, given the node's handler
     * @param controls makes the tap of a control link
     */
    public Taps(Function<LinkHandler, LinkTap> links, Supplier<ControlTap> controls) {
        this.links = links;
        this.controls = controls;
    }

    /**
     * {@return wires like these, with taps}
     *
     * @param wires real ones
     */
    public Wires around(Wires wires) {
        return new Wires(
                wires.paths().stream().map(path -> around(path, links)).toList(),
                wires.channels().stream().map(this::around).toList(),
                wires.codecs());
    }

    /**
     * {@return a path like this one, with taps in its data links}
     *
     * @param real the real one
     * @param links makes the tap of a data link, given the node's handler
     */
    public static DataPathProvider around(
            DataPathProvider real, Function<LinkHandler, LinkTap> links) {
        return new DataPathProvider() {
            @Override
            public String name() {
                return real.name();
            }

            @Override
            public int rank() {
                return real.rank();
            }

            @Override
            public Optional<String> unavailable(NodeConfig config) {
                return real.unavailable(config);
            }

            @Override
            public DataPath open(NodeConfig config) {
                return new TappedPath(real.open(config), links);
            }
        };
    }

    private ControlChannelProvider around(ControlChannelProvider real) {
        return new ControlChannelProvider() {
            @Override
            public String name() {
                return real.name();
            }

            @Override
            public int rank() {
                return real.rank();
            }

            @Override
            public boolean serves(NodeConfig config) {
                return real.serves(config);
            }

            @Override
            public ControlChannel open(NodeConfig config, ControlAcceptor acceptor) {
                return new TappedChannel(real.open(config, accepting(acceptor)), controls);
            }
        };
    }

    private ControlAcceptor accepting(ControlAcceptor acceptor) {
        return real -> {
            var tap = controls.get();
            return tap.inbound(acceptor.accepted(tap.over(real)));
        };
    }
}
