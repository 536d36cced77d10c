package io.kvwire.codec;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How an {@link Int8Codec} encodes. What it decodes does not depend on this: frames describe
 * themselves. What each choice computes is in docs/spec/kv-frame.md.
 *
 * <p>As text: {@code key=value}, separated by commas.
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>key<th>values<th>meaning
 * <tr><td>scales<td>fp32, fp16<td>dtype of the scales; fp16 saves 1.5 % at head dim 128
 * <tr><td>range<td>symmetric, asymmetric<td>codes around 0 or around the middle of each row
 * <tr><td>keys<td>token, raw, channel, hadamard, outliers:N<td>coding of K, see {@link RowCoding}
 * <tr><td>values<td>token, raw, hadamard<td>coding of V
 * <tr><td>skip<td>{@code 0/1/30-31}<td>layers that are sent raw
 * </table>
 *
 * @param halfScales whether scales are FP16
 * @param asymmetric whether codes are around the middle of each row
 * @param keys coding of K, or of the latent
 * @param outliers channels of each head that are kept, 1 to 64 for {@link RowCoding#OUTLIERS}, else
 *     0; half of the head dimension at most
 * @param values coding of V
 * @param rawLayers layers that are sent raw
 */
public record Int8Options(
        boolean halfScales,
        boolean asymmetric,
        RowCoding keys,
        int outliers,
        RowCoding values,
        Set<Integer> rawLayers) {
    /** One FP32 scale for each token, head and part, all layers. */
    public static final Int8Options DEFAULT =
            new Int8Options(false, false, RowCoding.TOKEN, 0, RowCoding.TOKEN, Set.of());

    private static final Pattern COMMA = Pattern.compile(",");
    private static final Pattern SLASH = Pattern.compile("/");
    private static final Pattern OUTLIERS = Pattern.compile("outliers:([1-9]\\d?)");
    private static final Pattern LAYERS = Pattern.compile("(\\d{1,6})(?:-(\\d{1,6}))?");

    /** Checks that the choices go together. */
    public Int8Options {
        rawLayers = Set.copyOf(rawLayers);
        boolean kept = keys == RowCoding.OUTLIERS;
        if (outliers < (kept ? 1 : 0) || outliers > (kept ? FrameRules.MAX_OUTLIERS : 0)) {
            throw new IllegalArgumentException(
                    "keys=" + keys + " with " + outliers + " outlier channels: need 1 to 64");
        }
        if (values == RowCoding.CHANNEL || values == RowCoding.OUTLIERS) {
            throw new IllegalArgumentException("values=" + values + ": only keys are coded so");
        }
        if (asymmetric && (halfScales || keys == RowCoding.CHANNEL)) {
            throw new IllegalArgumentException(
                    "range=asymmetric goes with neither scales=fp16 nor keys=channel");
        }
    }

    /**
     * {@return the options that a text describes}
     *
     * @param text see above; empty for {@link #DEFAULT}
     * @throws IllegalArgumentException naming the option that is wrong, and what it may be
     */
    public static Int8Options parse(String text) {
        var options = DEFAULT;
        for (var option : text.isEmpty() ? List.<String>of() : parts(COMMA, text)) {
            options = options.with(option);
        }
        return options;
    }

    private Int8Options with(String option) {
        int equals = option.indexOf('=');
        var key = equals < 0 ? option : option.substring(0, equals);
        var value = option.substring(equals + 1);
        return switch (key) {
            case "scales" -> scales(oneOf(option, value, "fp32", "fp16").equals("fp16"));
            case "range" ->
                    range(oneOf(option, value, "symmetric", "asymmetric").equals("asymmetric"));
            case "keys" -> keys(option, value);
            case "values" -> values(coding(oneOf(option, value, "token", "raw", "hadamard")));
            case "skip" -> skip(option, value);
            default ->
                    throw new IllegalArgumentException(
                            option + ": the options are scales, range, keys, values and skip");
        };
    }

    private Int8Options scales(boolean half) {
        return new Int8Options(half, asymmetric, keys, outliers, values, rawLayers);
    }

    private Int8Options range(boolean around) {
        return new Int8Options(halfScales, around, keys, outliers, values, rawLayers);
    }

    private Int8Options values(RowCoding coding) {
        return new Int8Options(halfScales, asymmetric, keys, outliers, coding, rawLayers);
    }

    private Int8Options keys(String option, String value) {
        var kept = OUTLIERS.matcher(value);
        if (kept.matches()) {
            int count = Integer.parseInt(kept.group(1));
            return new Int8Options(
                    halfScales, asymmetric, RowCoding.OUTLIERS, count, values, rawLayers);
        }
        var coding = coding(oneOf(option, value, "token", "raw", "channel", "hadamard"));
        return new Int8Options(halfScales, asymmetric, coding, 0, values, rawLayers);
    }

    private Int8Options skip(String option, String value) {
        var layers = new TreeSet<Integer>();
        for (var range : parts(SLASH, value)) {
            var matcher = LAYERS.matcher(range);
            if (!matcher.matches()) {
                throw new IllegalArgumentException(
                        option + ": need layers and ranges of them, as in skip=0/1/30-31");
            }
            int first = Integer.parseInt(matcher.group(1));
            int last = matcher.group(2) == null ? first : Integer.parseInt(matcher.group(2));
            for (int layer = first; layer <= last; layer++) {
                layers.add(layer);
            }
        }
        return new Int8Options(halfScales, asymmetric, keys, outliers, values, layers);
    }

    private static RowCoding coding(String name) {
        return switch (name) {
            case "raw" -> RowCoding.RAW;
            case "channel" -> RowCoding.CHANNEL;
            case "hadamard" -> RowCoding.HADAMARD;
            default -> RowCoding.TOKEN;
        };
    }

    private static String oneOf(String option, String value, String... known) {
        if (!List.of(known).contains(value)) {
            throw new IllegalArgumentException(
                    option
                            + ": need one of "
                            + String.join(", ", known)
                            + (option.startsWith("keys") ? ", outliers:1 to outliers:64" : ""));
        }
        return value;
    }

    private static List<String> parts(Pattern separator, String text) {
        return separator.splitAsStream(text).collect(Collectors.toList());
    }
}
