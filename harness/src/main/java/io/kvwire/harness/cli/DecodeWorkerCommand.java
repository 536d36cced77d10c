package io.kvwire.harness.cli;

import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.harness.demo.DecodeWorker;
import io.kvwire.transport.NodeConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** The demo's decode process: takes orders on standard input until it ends. */
@Command(name = "decode-worker", hidden = true, description = "The demo's decode process.")
final class DecodeWorkerCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private SeatOptions seat;
    @Mixin private LinkOptions link;

    @Option(names = "--file-folder", required = true)
    private Path folder;

    @Override
    public Integer call() throws IOException {
        ChildJvm.dieWithParent(folder);
        NodeConfig config = link.config("decode");
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (var device = seat.open();
                var worker = new DecodeWorker(seat.seat(seat.load(), device), config, folder)) {
            worker.serve(in, spec.commandLine().getOut());
        }
        return 0;
    }
}
