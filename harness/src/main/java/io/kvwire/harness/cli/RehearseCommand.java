package io.kvwire.harness.cli;

import io.kvwire.harness.demo.DemoWorker;
import io.kvwire.harness.device.CpuDevice;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.util.concurrent.Callable;

/**
 * Runs both halves in this one process, each mode over each wire that there is: what the launcher
 * has the JVM watch, to keep its classes and profiles for later starts.
 */
@Command(
        name = "rehearse",
        hidden = true,
        description = "Runs both halves in one process, for the JVM to learn from.")
final class RehearseCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private SeatOptions seat;
    @Mixin private LinkOptions link;

    @Override
    public Integer call() throws IOException {
        var folder = Files.createTempDirectory("kvwire-rehearsal-");
        folder.toFile().deleteOnExit();
        try (var worker =
                new DemoWorker(
                        seat.seat(seat.load(), CpuDevice.CPU), link.config("rehearsal"), folder)) {
            spec.commandLine().getOut().println(worker.rehearse() + " runs");
        }
        return 0;
    }
}
