package io.kvwire.harness.demo;

import io.kvwire.harness.split.CacheShape;
import io.kvwire.harness.split.TransferMode;
import io.kvwire.transport.KvOrder;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * One row of the demo.
 *
 * @param number of the step in the table of steps: 0, 0.5, 1, 1.5, 2 or 3
 * @param seats the devices that prefill and decode
 * @param path none, file, or the name of a wire
 * @param codec how blocks look on the wire, as {@code --codec} takes it
 * @param mode how the cache moves; {@code none} for step 0
 * @param link which pair of processes runs it
 * @param decodeShape of decode's cache; prefill's is always {@link CacheShape#DEFAULT}
 */
record Step(
        String number,
        Seats seats,
        String path,
        String codec,
        String mode,
        Link link,
        CacheShape decodeShape) {
    private static final CacheShape LARGE_BLOCKS =
            CacheShape.DEFAULT.withTokensPerBlock(128).withOrder(KvOrder.HND);

    /**
     * Where the two halves compute, as {@code --device} takes it.
     *
     * @param prefill computes the prompt
     * @param decode continues it
     */
    record Seats(String prefill, String decode) {
        static final Seats CPU = new Seats("cpu", "cpu");

        @Override
        public String toString() {
            return prefill + " to " + decode;
        }
    }

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
    static final Step SINGLE = alone("0", "cpu");

    /** The old way. */
    static final Step FILE = of("1", "file", TransferMode.FILE, Link.LOOPBACK);

    /** Two processes on one host. */
    static final List<Step> ONE_HOST =
            List.of(
                    FILE,
                    of("1", "tcp", TransferMode.BULK, Link.LOOPBACK),
                    of("1", "tcp", TransferMode.LAYERWISE, Link.LOOPBACK),
                    of("1", "tcp", TransferMode.PULL, Link.LOOPBACK),
                    of("1", SHARED_MEMORY, TransferMode.BULK, Link.LOOPBACK),
                    of("1", SHARED_MEMORY, TransferMode.LAYERWISE, Link.LOOPBACK),
                    of("1", SHARED_MEMORY, TransferMode.PULL, Link.LOOPBACK),
                    new Step(
                            "1",
                            Seats.CPU,
                            "tcp",
                            RAW,
                            TransferMode.BULK.text(),
                            Link.LOOPBACK,
                            LARGE_BLOCKS),
                    new Step(
                            "1",
                            Seats.CPU,
                            "tcp",
                            RAW,
                            TransferMode.LAYERWISE.text(),
                            Link.LOOPBACK,
                            LARGE_BLOCKS));

    /** The same at a realistic rate. */
    static final List<Step> LIMITED_RATE =
            List.of(
                    of("1", "tcp", TransferMode.BULK, Link.LIMITED),
                    of("1", "tcp", TransferMode.LAYERWISE, Link.LIMITED),
                    of("1", "tcp", TransferMode.AUTO, Link.LIMITED));

    /** Two hosts. */
    static final List<Step> TWO_HOSTS =
            List.of(
                    of("3", "tcp", TransferMode.BULK, Link.NAMESPACES),
                    of("3", "tcp", TransferMode.LAYERWISE, Link.NAMESPACES));

    /** {@return this step, over another wire where it is over one} */
    Step over(String wire) {
        return path.equals(USUAL)
                ? new Step(number, seats, wire, codec, mode, link, decodeShape)
                : this;
    }

    private static Step of(String number, String path, TransferMode mode, Link link) {
        return new Step(number, Seats.CPU, path, RAW, mode.text(), link, CacheShape.DEFAULT);
    }

    /** {@return one process on one device} */
    static Step alone(String number, String device) {
        var seats = new Seats(device, device);
        return new Step(number, seats, "none", "none", "none", Link.NONE, CacheShape.DEFAULT);
    }

    /** {@return two processes with a device in one seat at least, over each path of one host} */
    static List<Step> onDevices(String number, Seats seats) {
        return Stream.of(
                        of(number, "file", TransferMode.FILE, Link.LOOPBACK),
                        of(number, "tcp", TransferMode.BULK, Link.LOOPBACK),
                        of(number, "tcp", TransferMode.LAYERWISE, Link.LOOPBACK),
                        of(number, SHARED_MEMORY, TransferMode.BULK, Link.LOOPBACK),
                        of(number, SHARED_MEMORY, TransferMode.LAYERWISE, Link.LOOPBACK))
                .map(step -> step.between(seats))
                .toList();
    }

    /** {@return this step, on other devices} */
    Step between(Seats others) {
        return new Step(number, others, path, codec, mode, link, decodeShape);
    }

    /** {@return this step with its blocks in another codec} */
    Step in(String other) {
        return new Step(number, seats, path, other, mode, link, decodeShape);
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

    /** {@return whether a cache moves at all} */
    boolean moves() {
        return link != Link.NONE;
    }

    /** {@return whether the cache may move while it is computed} */
    boolean overlaps() {
        return mode.equals(TransferMode.LAYERWISE.text()) || mode.equals(TransferMode.AUTO.text());
    }

    /** {@return what it is, in a few words} */
    String title(long bytesPerSecond) {
        return "step %s %s %s %s %s %s"
                .formatted(number, seats, path, codec, mode, note(bytesPerSecond))
                .strip();
    }

    /** {@return whether this moves a cache in bulk where {@code other} does it layer by layer} */
    boolean isBulkOf(Step other) {
        return number.equals(other.number)
                && seats.equals(other.seats)
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
