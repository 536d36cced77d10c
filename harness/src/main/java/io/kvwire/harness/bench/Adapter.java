package io.kvwire.harness.bench;

import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A subject's process. Confined to one thread. */
final class Adapter implements AutoCloseable {
    private final Subject subject;
    private final ChildJvm process;
    private Answer first = new Answer(null, "it was not waited for", null, null, null);
    private boolean lost;
    private boolean asleep;

    private Adapter(Subject subject, ChildJvm process) {
        this.subject = subject;
        this.process = process;
    }

    /**
     * Starts a subject; {@link #await} says whether it can measure.
     *
     * @param home the folder of the checkout
     * @param python what runs the adapters of peers
     */
    static Adapter start(Subject subject, Path home, Path python, Path folder, boolean verbose) {
        if (subject.role() == Subject.Role.KVWIRE) {
            var words = new ArrayList<>(subject.words());
            words.addAll(List.of("--folder", folder.toString()));
            return new Adapter(subject, ChildJvm.start(subject.id(), List.of(), verbose, words));
        }
        var command = new ArrayList<String>();
        command.add(python.toString());
        command.add("-B");
        command.add(
                home.resolve("benchmarks/peers").resolve(subject.words().getFirst()).toString());
        command.addAll(subject.words().subList(1, subject.words().size()));
        var builder = new ProcessBuilder(command);
        builder.environment().put("KVWIRE_BENCH_FOLDER", folder.toString());
        return new Adapter(subject, ChildJvm.start(subject.id(), builder, verbose));
    }

    /** {@return the interpreter for adapters: that of the installed peers, or the system's} */
    static Path python(Path home) {
        var own = home.resolve(PeerInstall.FOLDER).resolve("bin/python3");
        return Files.isExecutable(own) ? own : Path.of("python3");
    }

    Subject subject() {
        return subject;
    }

    /** Waits for its first line, which may take as long as a C compiler does. */
    void await(Duration patience) {
        try {
            first = Json.parse(process.receive(patience), Answer.class);
        } catch (TransferException | IllegalArgumentException e) {
            first = new Answer(null, e.getMessage(), null, null, null);
        }
    }

    /** {@return what it found, or why it cannot run} */
    Answer first() {
        return first;
    }

    /** {@return whether it can measure} */
    boolean usable() {
        return first.version() != null && !lost;
    }

    /**
     * Stops the processes of a peer, and ours that spin, until their next turn: they poll all the
     * time, and would take the processor from whoever is being measured.
     */
    void sleep() {
        boolean polls = subject.role() == Subject.Role.PEER || subject.words().contains("--spin");
        if (usable() && polls && !asleep) {
            asleep = signal("STOP");
        }
    }

    private void wake() {
        if (asleep) {
            signal("CONT");
            asleep = false;
        }
    }

    private boolean signal(String name) {
        var ids =
                process.processes().stream()
                        .map(handle -> Long.toString(handle.pid()))
                        .collect(Collectors.joining(" "));
        try {
            return new ProcessBuilder("sh", "-c", "kill -" + name + " " + ids).start().waitFor()
                    == 0;
        } catch (IOException e) {
            return false; // No shell: they go on, and cost the others a little.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Has it measure a point; one that says nothing for longer than this is lost. */
    Answer measure(Point point, double seconds, Duration patience) {
        if (lost) {
            return Answer.error("its process had ended");
        }
        wake();
        try {
            process.send(Json.line(new Order(point, seconds)));
            return Json.parse(process.receive(patience), Answer.class);
        } catch (TransferException | IllegalArgumentException e) {
            lost = true;
            return Answer.error(e.getMessage());
        } finally {
            sleep();
        }
    }

    @Override
    public void close() {
        wake();
        process.close();
    }
}
