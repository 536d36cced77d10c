package io.kvwire.harness.serve;

import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.harness.model.ModelSource;
import io.kvwire.transport.NodeConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;

/** {@code kvwire serve-worker}: one process of {@code kvwire serve-sim}. */
@Command(
        name = "serve-worker",
        hidden = true,
        description = "A worker of 'kvwire serve-sim': orders on standard input.")
public final class ServeWorkerCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--model", required = true)
    private String model;

    @Option(names = "--cache-tokens", required = true)
    private int cacheTokens;

    @Option(names = "--path", required = true)
    private String path;

    @Option(names = "--name", required = true)
    private String name;

    /** Made by the command line. */
    public ServeWorkerCommand() {}

    @Override
    public Integer call() throws IOException {
        ChildJvm.dieWithParent();
        var config = NodeConfig.named(name);
        if (!path.equals("best")) {
            config = config.requiring(path);
        }
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        new ServeWorker(spec.commandLine().getOut())
                .serve(ModelSource.parse(model).load(), cacheTokens, config, in);
        return 0;
    }
}
