package io.kvwire.bench;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;

/**
 * What it costs to name the memory of 1,024 tokens of one layer in the order of the target: the
 * walk that every frame makes at each end. One walk is one operation.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LayoutBenchmark {
    private static final int TOKENS = 1024;
    private static final int SOURCE_TOKENS_PER_BLOCK = 16;

    /** How the target differs from a source of 16-token, token-major blocks. */
    @Param({"same", "blocks-of-128", "head-major"})
    public String target;

    private final BlockRuns runs = new BlockRuns();
    private KvLayout source;
    private KvLayout other;
    private LayoutPlan plan;
    private int[] table;
    private BlockRuns.Origin origin;
    private TokenRange tokens;

    private static KvLayout layout(int tokensPerBlock, KvOrder order) {
        return KvLayout.builder()
                .layers(1)
                .kvHeads(8)
                .headDim(128)
                .tokensPerBlock(tokensPerBlock)
                .dtype(DType.BF16)
                .order(order)
                .form(KvForm.SPLIT)
                .build();
    }

    /** Makes the layouts, and a table whose blocks lie in descending order. */
    @Setup
    public void prepare() {
        source = layout(SOURCE_TOKENS_PER_BLOCK, KvOrder.NHD);
        other =
                switch (target) {
                    case "same" -> source;
                    case "blocks-of-128" -> layout(128, KvOrder.NHD);
                    case "head-major" -> layout(SOURCE_TOKENS_PER_BLOCK, KvOrder.HND);
                    default -> throw new IllegalArgumentException("no target '" + target + "'");
                };
        plan = LayoutPlan.between(source, other);
        table = new int[TOKENS / SOURCE_TOKENS_PER_BLOCK];
        for (int i = 0; i < table.length; i++) {
            table[i] = table.length - 1 - i;
        }
        var placement = LayerPlacement.dense(source, MemorySegment.NULL, table.length);
        origin = BlockRuns.Origin.of(placement, table.length);
        tokens = new TokenRange(0, TOKENS);
    }

    /** {@return the bytes named by a walk over the source's memory} */
    @Benchmark
    public long walk() {
        runs.start(plan, source, table, origin, tokens);
        long bytes = 0;
        while (runs.next()) {
            bytes += runs.length();
        }
        return bytes;
    }

    /** {@return a plan between the two layouts, as made for each pair of caches} */
    @Benchmark
    public LayoutPlan plan() {
        return LayoutPlan.between(source, other);
    }
}
