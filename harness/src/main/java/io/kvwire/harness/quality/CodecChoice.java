package io.kvwire.harness.quality;

import java.util.List;

/**
 * A codec with its options.
 *
 * @param codec its name, {@code int8} say
 * @param options as its provider reads them; empty for the defaults
 */
record CodecChoice(String codec, String options) {
    static final CodecChoice RAW = new CodecChoice("raw", "");
    static final CodecChoice INT8 = new CodecChoice("int8", "");

    static CodecChoice int8(String options) {
        return new CodecChoice("int8", options);
    }

    /** {@return what there is to compare, for a model of so many layers} */
    static List<CodecChoice> all(int layers) {
        return List.of(
                RAW,
                new CodecChoice("raw+lz4", ""),
                INT8,
                new CodecChoice("int8+lz4", ""),
                int8("scales=fp16"),
                int8("range=asymmetric"),
                int8("keys=channel"),
                int8("keys=hadamard"),
                int8("keys=hadamard,values=hadamard"),
                int8("keys=outliers:2"),
                int8("keys=raw"),
                int8(layers > 1 ? "skip=0/" + (layers - 1) : "skip=0"));
    }

    /** {@return what is compared on keys with outliers: nothing, and each remedy} */
    static List<CodecChoice> remedies() {
        return List.of(
                RAW,
                INT8,
                int8("keys=channel"),
                int8("keys=hadamard"),
                int8("keys=outliers:2"),
                int8("keys=raw"));
    }

    /** {@return whether a row of a report is of this choice} */
    boolean is(String name, String itsOptions) {
        return codec.equals(name) && options.equals(itsOptions);
    }

    /** {@return the text that codecs are chosen by on a command line} */
    String text() {
        return options.isEmpty() ? codec : codec + "," + options;
    }
}
