package io.kvwire.harness.cli;

import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.harness.demo.DemoWorker;
import io.kvwire.harness.device.CpuDevice;
import io.kvwire.transport.NodeAddress;

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

/** One of the demo's processes: takes orders on standard input until it ends. */
@Command(name = "demo-worker", hidden = true, description = "One of the demo's processes.")
final class DemoWorkerCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private SeatOptions seat;
    @Mixin private LinkOptions link;

    @Option(
            names = "--listen",
            defaultValue = "127.0.0.1:0",
            converter = LinkOptions.AddressConverter.class,
            description = "Where its prefill servers listen.")
    private NodeAddress listen;

    @Option(
            names = "--file-folder",
            required = true,
            description = "For the mode file; deleted when the parent ends first.")
    private Path folder;

    @Override
    public Integer call() throws IOException {
        ChildJvm.dieWithParent(folder);
        var config = link.config("demo").withListen(listen);
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        // Each order names the device that it wants.
        try (var worker = new DemoWorker(seat.seat(seat.load(), CpuDevice.CPU), config, folder)) {
            worker.serve(in, spec.commandLine().getOut());
        }
        return 0;
    }
}
