package io.kvwire.bench;

import io.kvwire.ffi.verbs.AccessFlags;
import io.kvwire.ffi.verbs.CallMode;
import io.kvwire.ffi.verbs.CompletionQueue;
import io.kvwire.ffi.verbs.Completions;
import io.kvwire.ffi.verbs.QueuePair;
import io.kvwire.ffi.verbs.QueuePairCapacity;
import io.kvwire.ffi.verbs.SendRequests;
import io.kvwire.ffi.verbs.VerbsLibrary;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What it costs to write and post a list of requests, and to poll completions and look at them,
 * through {@code io.kvwire.ffi.verbs}. On a device that completes at once ({@code
 * benchmarks/verbs.py}), so all of it is the cost of calling. A list counts as one operation.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class VerbsBenchmark {

    private static final int CHUNK_BYTES = 4096;

    /** Requests in a list, and completions polled at a time. */
    @Param({"1", "16"})
    public int batch;

    /** Whether calls stay in Java state. */
    @Param({"critical", "plain"})
    public String mode;

    private QueuePair pair;
    private CompletionQueue queue;
    private SendRequests requests;
    private Completions completions;
    private long id;

    /** Makes a queue pair. */
    @Setup
    public void open() {
        var device = VerbsLibrary.devices().getFirst();
        var context =
                VerbsLibrary.open(
                        device, mode.equals("critical") ? CallMode.BYPASS : CallMode.PLAIN);
        var domain = context.allocateProtectionDomain();
        queue = context.createCompletionQueue(batch);
        pair =
                domain.createQueuePair(
                        queue, queue, Optional.empty(), new QueuePairCapacity(batch, 1, 1, 1, 0));
        pair.initialize(1, AccessFlags.LOCAL_WRITE);
        requests = SendRequests.allocate(Arena.global(), batch, 1);
        completions = Completions.allocate(Arena.global(), batch);
    }

    /** {@return the status of the post, which is 0} */
    @Benchmark
    public int post() {
        requests.clear();
        id++;
        long address = id << 12;
        for (int i = 0; i < batch; i++) {
            long at = address + (long) i * CHUNK_BYTES;
            requests.addWrite(id + i, SendRequests.SIGNALED, at, 9);
            requests.addSegment(at, CHUNK_BYTES, 7);
        }
        return pair.post(requests);
    }

    /** {@return the sum of the ids} */
    @Benchmark
    public long poll() {
        int count = queue.poll(completions);
        long sum = 0;
        for (int i = 0; i < count; i++) {
            if (completions.status(i) != 0) {
                throw new IllegalStateException("a request failed");
            }
            sum += completions.id(i);
        }
        return sum;
    }
}
