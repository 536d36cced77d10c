package io.kvwire.sample;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.DType;
import io.kvwire.transport.HostArena;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.PathReport;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;

/** Writes a block with each codec that is named, and says in a line how it went over. */
public final class Main {
    /** BF16 for 1: INT8 of it loses nothing. */
    private static final short ONE = 0x3F80;

    private static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(1)
                    .kvHeads(2)
                    .headDim(64)
                    .tokensPerBlock(16)
                    .dtype(DType.BF16)
                    .build();

    private Main() {}

    /**
     * Runs the program.
     *
     * @param args codecs
     */
    public static void main(String[] args) {
        System.out.println("from " + Main.class.getModule().getName());
        for (var codec : args) {
            var config = NodeConfig.named("prefill").withPaths("tcp");
            System.out.println(write(config.withCodec(CodecConfig.of(codec))));
        }
    }

    private static String write(NodeConfig config) {
        try (Arena arena = HostArena.open();
                var decode = TransferNode.start(config);
                var prefill = TransferNode.start(config)) {
            var sent = arena.allocate(LAYOUT.blockBytes(), 64);
            for (long at = 0; at < sent.byteSize(); at += Short.BYTES) {
                sent.set(ValueLayout.JAVA_SHORT, at, ONE);
            }
            var arrived = arena.allocate(LAYOUT.blockBytes(), 64);
            var source = register(prefill, sent, Access.LOCAL);
            var target = register(decode, arrived, Access.REMOTE_WRITE);
            var peer = prefill.connect(decode.address()).join();
            var blocks =
                    BlockTransfer.of(
                            1,
                            source,
                            source.table(0),
                            peer.cache("kv").orElseThrow(),
                            target.table(0),
                            LAYOUT.tokensPerBlock());
            peer.write(blocks, TransferOptions.DEFAULT).join(Duration.ofSeconds(30));
            return describe(peer.path(), sent.mismatch(arrived) < 0);
        }
    }

    private static KvCache register(TransferNode node, MemorySegment memory, Access access) {
        var placement = List.of(LayerPlacement.dense(LAYOUT, memory, 1));
        return node.register("kv", LAYOUT, placement, 1, access);
    }

    private static String describe(PathReport path, boolean equal) {
        var others = new TreeSet<String>();
        path.rejected().forEach(rejected -> others.add(rejected.path()));
        return String.format(
                Locale.ROOT,
                "%s over %s, not %s, by %s: %s",
                path.codec(),
                path.path(),
                others,
                path.details().get("io"),
                equal ? "equal" : "DIFFERENT");
    }
}
