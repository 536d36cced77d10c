package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Json;
import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** The other process, seen from the source. Confined to one thread. */
final class TargetProcess implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final ChildJvm process;

    TargetProcess(Link link, boolean verbose) {
        process =
                ChildJvm.start(
                        "bench target",
                        List.of(),
                        verbose,
                        Stream.of(List.of("bench-worker", "--target"), link.words())
                                .flatMap(List::stream)
                                .toList());
    }

    TargetMessage ask(TargetMessage question) {
        process.send(Json.line(question));
        var answer = TargetMessage.parse(process.receive(PATIENCE));
        if (answer.error() != null) {
            throw new TransferException(ErrorCode.REFUSED, "target: " + answer.error());
        }
        return answer;
    }

    @Override
    public void close() {
        process.close();
    }
}
