package io.kvwire.transport;

import io.kvwire.transport.spi.KvModel;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * How the blocks of a node look on the wire, and what encoding them may use.
 *
 * <p>The ends of a connection agree on the first codec in the connecting side's order that the
 * other side lists too; where there is none, the connection is refused. {@code raw} means the bytes
 * as the target stores them, without a copy where layouts agree.
 *
 * @param codecs what blocks may look like, best first: each a name, then perhaps options for
 *     encoding, as in {@code int8,scales=fp16}; options need not be those of the peer
 * @param automatic whether each transfer takes the agreed codec only when the measured rates of
 *     link and codec say that it is over sooner than raw
 * @param model what the values mean; where both ends name one, it must be the same
 * @param threads that encode and decode, for all peers together
 * @param stagingSlots encoded frames to one peer that are not yet on the wire
 * @param stagingBytes memory for those, 64 KiB or more; a single larger frame still goes
 * @param probeBytes what may be sent to a peer to measure the link when {@code auto}, of codecs or
 *     of streams, needs its rate and no traffic has told it yet; 64 KiB or more, or 0 for nothing
 */
public record CodecConfig(
        List<String> codecs,
        boolean automatic,
        KvModel model,
        int threads,
        int stagingSlots,
        long stagingBytes,
        long probeBytes) {
    /** The name of what is sent as it is. */
    public static final String RAW_NAME = "raw";

    /** What a command line says for a codec or raw, by measured rates. */
    public static final String AUTO_NAME = "auto";

    /** The most codecs that a node lists. */
    public static final int MAX_CODECS = 16;

    /** The most threads that encode and decode. */
    public static final int MAX_THREADS = 64;

    /** Blocks as they are, of a model that nobody has named. */
    public static final CodecConfig RAW = of(RAW_NAME);

    private static final int DEFAULT_THREADS = 4;

    /** The least that measures a link. */
    public static final int LEAST_PROBE_BYTES = 64 << 10;

    private static final long MOST_PROBE_BYTES = 1L << 30;
    private static final long DEFAULT_PROBE_BYTES = 4L << 20;

    /** Checks the values and copies the list. */
    public CodecConfig {
        codecs = List.copyOf(codecs);
        Objects.requireNonNull(model, "model");
        if (codecs.isEmpty() || codecs.size() > MAX_CODECS) {
            throw new IllegalArgumentException(
                    codecs.size() + " codecs: need 1 to " + MAX_CODECS + ", raw for none");
        }
        var names = codecs.stream().map(CodecConfig::nameOf).toList();
        if (names.stream().anyMatch(String::isBlank)
                || names.stream().distinct().count() != names.size()) {
            throw new IllegalArgumentException("codecs " + codecs + ": a name is empty or twice");
        }
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException(
                    threads + " codec threads: need 1 to " + MAX_THREADS);
        }
        if (stagingSlots < 1) {
            throw new IllegalArgumentException(stagingSlots + " staging slots: need at least 1");
        }
        if (stagingBytes < 64 << 10) {
            throw new IllegalArgumentException(
                    "stagingBytes is " + stagingBytes + ": need at least 64 KiB");
        }
        if (probeBytes != 0 && (probeBytes < LEAST_PROBE_BYTES || probeBytes > MOST_PROBE_BYTES)) {
            throw new IllegalArgumentException(
                    "probeBytes is " + probeBytes + ": need 64 KiB to 1 GiB, or 0 for no probe");
        }
    }

    /**
     * {@return a configuration that takes these codecs and no other}
     *
     * @param codecs best first, each with its options
     */
    public static CodecConfig of(String... codecs) {
        int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, DEFAULT_THREADS);
        return new CodecConfig(
                Arrays.asList(codecs),
                false,
                KvModel.UNKNOWN,
                threads,
                256,
                64L << 20,
                DEFAULT_PROBE_BYTES);
    }

    /**
     * {@return a configuration that takes a codec or raw, each transfer whichever is sooner over}
     *
     * @param codec the alternative to raw, with its options
     */
    public static CodecConfig auto(String codec) {
        var both = of(codec, RAW_NAME);
        return new CodecConfig(
                both.codecs,
                true,
                both.model,
                both.threads,
                both.stagingSlots,
                both.stagingBytes,
                both.probeBytes);
    }

    /**
     * {@return what a command line says: {@code auto} for int8 or raw by measured rates, else the
     * one codec that is taken}
     *
     * @param text {@code raw}, {@code auto}, or a name with options as in {@code
     *     int8,keys=hadamard}
     */
    public static CodecConfig parse(String text) {
        return text.equals(AUTO_NAME) ? auto("int8") : of(text);
    }

    /**
     * {@return a copy for caches of a model}
     *
     * @param value what the values mean
     */
    public CodecConfig withModel(KvModel value) {
        return new CodecConfig(
                codecs, automatic, value, threads, stagingSlots, stagingBytes, probeBytes);
    }

    /**
     * {@return a copy with another number of threads}
     *
     * @param count 1 to {@link #MAX_THREADS}
     */
    public CodecConfig withThreads(int count) {
        return new CodecConfig(
                codecs, automatic, model, count, stagingSlots, stagingBytes, probeBytes);
    }

    /**
     * {@return a copy with other bounds on what is encoded and waits for the wire}
     *
     * @param slots frames to one peer
     * @param bytes memory for those
     */
    public CodecConfig withStaging(int slots, long bytes) {
        return new CodecConfig(codecs, automatic, model, threads, slots, bytes, probeBytes);
    }

    /**
     * {@return a copy with another bound on what measures a link}
     *
     * @param bytes 64 KiB to 1 GiB, or 0 for no probe
     */
    public CodecConfig withProbe(long bytes) {
        return new CodecConfig(
                codecs, automatic, model, threads, stagingSlots, stagingBytes, bytes);
    }

    /** {@return the names of the codecs, best first} */
    public List<String> names() {
        return codecs.stream().map(CodecConfig::nameOf).toList();
    }

    /**
     * {@return the options of a codec, empty text for none}
     *
     * @param name of the codec
     */
    public String options(String name) {
        for (var codec : codecs) {
            if (nameOf(codec).equals(name)) {
                return codec.length() == name.length() ? "" : codec.substring(name.length() + 1);
            }
        }
        return "";
    }

    private static String nameOf(String codec) {
        int comma = codec.indexOf(',');
        return comma < 0 ? codec : codec.substring(0, comma);
    }
}
