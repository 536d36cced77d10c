package io.kvwire.harness.cli;

import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.harness.split.PrefillServer;
import io.kvwire.transport.NodeAddress;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code kvwire prefill}: serves decode nodes until it is stopped. */
@Command(
        name = "prefill",
        mixinStandardHelpOptions = true,
        description =
                "Computes prompts for decode nodes and sends them the KV cache, until stopped.")
final class PrefillCommand implements Callable<Integer> {
    /** What stands before the address in the line that says that the server is ready. */
    static final String LISTENING = "listening on ";

    @Spec private CommandSpec spec;
    @Mixin private SeatOptions seat;
    @Mixin private LinkOptions link;

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            defaultValue = "127.0.0.1:7400",
            converter = LinkOptions.AddressConverter.class,
            description =
                    "Where decode nodes connect; port 0 for any free one (default:"
                            + " ${DEFAULT-VALUE}).")
    private NodeAddress listen;

    @Option(
            names = "--file-folder",
            hidden = true,
            description = "Folder shared with decode, for the mode file.")
    private Path folder;

    @Option(
            names = "--until-input-ends",
            hidden = true,
            description = "Stop when standard input ends: when the parent process is gone.")
    private boolean untilInputEnds;

    @Override
    public Integer call() throws InterruptedException {
        var out = spec.commandLine().getOut();
        var loaded = seat.load();
        var config = link.config("prefill").withListen(listen);
        try (var device = seat.open();
                var server =
                        PrefillServer.start(
                                seat.seat(loaded, device), config, Optional.ofNullable(folder))) {
            out.println(LISTENING + server.address());
            out.println(
                    "model "
                            + loaded.name()
                            + " ("
                            + server.fingerprint()
                            + "), cache of "
                            + server.describe());
            out.flush();
            waitForTheEnd();
        }
        return 0;
    }

    private void waitForTheEnd() throws InterruptedException {
        if (!untilInputEnds) {
            Thread.currentThread().join();
        }
        ChildJvm.dieWithParent();
        try {
            while (System.in.read() >= 0) {
                // Whatever the parent says, only the end counts.
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
