package io.kvwire.harness.demo;

import io.kvwire.harness.split.CacheShape;
import io.kvwire.harness.split.TransferMode;
import io.kvwire.transport.KvOrder;

import java.util.Arrays;
import java.util.List;

/**
 * One row of the demo.
 *
 * @param number of the step in the table of steps: 0, 1 or 3
 * @param path none, file, or the name of a wire
 * @param codec how blocks look on the wire, as {@code --codec} takes it
 * @param mode how the cache moves; {@code none} for step 0
 * @param link which pair of processes runs it
 * @param decodeShape of decode's cache; prefill's is always {@link CacheShape#DEFAULT}
 */
record Step(int number, String path, String codec, String mode, Link link, CacheShape decodeShape) {
    private static final CacheShape LARGE_BLOCKS =
            CacheShape.DEFAULT.withTokensPerBlock(128).withOrder(KvOrder.HND);

    /** The wire of most steps, unless the user asks for another one. */
    static final String USUAL = "tcp";

    /** Blocks as they are. */
    static final String RAW = "raw";

    /** The path through memory that two processes share. */
    static final String SHARED_MEMORY = "pcie";

    /** What lies between the two processes. */
    enum Link {
        /** There is one process. */
        NONE,
        /** The loopback interface, memory of the host, or a folder. */
        LOOPBACK,
        /** The loopback interface at a realistic rate. */
        LIMITED,
        /** A virtual cable between two network namespaces. */
        NAMESPACES
    }

    /** What is run in one process, which everything else must equal. */
    static final Step SINGLE = new Step(0, "none", "none", "none", Link.NONE, CacheShape.DEFAULT);

    /** Two processes on one host. */
    static final List<Step> ONE_HOST =
            List.of(
                    of(1, "file", TransferMode.FILE, Link.LOOPBACK),
                    of(1, "tcp", TransferMode.BULK, Link.LOOPBACK),
                    of(1, "tcp", TransferMode.LAYERWISE, Link.LOOPBACK),
                    of(1, "tcp", TransferMode.PULL, Link.LOOPBACK),
                    of(1, SHARED_MEMORY, TransferMode.BULK, Link.LOOPBACK),
                    of(1, SHARED_MEMORY, TransferMode.LAYERWISE, Link.LOOPBACK),
                    of(1, SHARED_MEMORY, TransferMode.PULL, Link.LOOPBACK),
                    new Step(1, "tcp", RAW, TransferMode.BULK.text(), Link.LOOPBACK, LARGE_BLOCKS),
                    new Step(
                            1,
                            "tcp",
                            RAW,
                            TransferMode.LAYERWISE.text(),
                            Link.LOOPBACK,
                            LARGE_BLOCKS));

    /** The same at a realistic rate. */
    static final List<Step> LIMITED_RATE =
            List.of(
                    of(1, "tcp", TransferMode.BULK, Link.LIMITED),
                    of(1, "tcp", TransferMode.LAYERWISE, Link.LIMITED),
                    of(1, "tcp", TransferMode.AUTO, Link.LIMITED));

    /** Two hosts. */
    static final List<Step> TWO_HOSTS =
            List.of(
                    of(3, "tcp", TransferMode.BULK, Link.NAMESPACES),
                    of(3, "tcp", TransferMode.LAYERWISE, Link.NAMESPACES));

    /** {@return this step, over another wire where it is over one} */
    Step over(String wire) {
        return path.equals(USUAL) ? new Step(number, wire, codec, mode, link, decodeShape) : this;
    }

    private static Step of(int number, String path, TransferMode mode, Link link) {
        return new Step(number, path, RAW, mode.text(), link, CacheShape.DEFAULT);
    }

    /** {@return this step with its blocks in another codec} */
    Step in(String other) {
        return new Step(number, path, other, mode, link, decodeShape);
    }

    /** {@return whether the tokens must be those of step 0} */
    boolean lossless() {
        return codec.equals("none") || codec.startsWith(RAW);
    }

    /** {@return the path that the nodes must use; empty when any will do} */
    String wire() {
        return path.equals("file") || path.equals("none") ? "" : path;
    }

    /** {@return the mode, for all but step 0} */
    TransferMode transferMode() {
        return Arrays.stream(TransferMode.values())
                .filter(value -> value.text().equals(mode))
                .findFirst()
                .orElseThrow();
    }

    /** {@return whether the cache may move while it is computed} */
    boolean overlaps() {
        return mode.equals(TransferMode.LAYERWISE.text()) || mode.equals(TransferMode.AUTO.text());
    }

    /** {@return what it is, in a few words} */
    String title(long bytesPerSecond) {
        return "step %d %s %s %s %s"
                .formatted(number, path, codec, mode, note(bytesPerSecond))
                .strip();
    }

    /** {@return whether this moves a cache in bulk where {@code other} does it layer by layer} */
    boolean isBulkOf(Step other) {
        return number == other.number
                && link == other.link
                && path.equals(other.path)
                && codec.equals(other.codec)
                && decodeShape.equals(other.decodeShape)
                && mode.equals(TransferMode.BULK.text());
    }

    /** {@return what is special about this row, in a few words; empty if nothing is} */
    String note(long bytesPerSecond) {
        return switch (link) {
            case LIMITED -> "link of " + bytesPerSecond / 1_000_000 + " MB/s";
            case NAMESPACES -> "two namespaces";
            case NONE -> "one process";
            case LOOPBACK ->
                    decodeShape.equals(CacheShape.DEFAULT) ? "" : "blocks 16 NHD to 128 HND";
        };
    }
}
