package io.kvwire.harness.perf;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Reads sizes as people write them: {@code 4096}, {@code 4KiB}, {@code 1MiB}, {@code 2G}. */
final class ByteSize implements ITypeConverter<Long> {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,15})\\s*([kmg]?)(i?b?)");
    private static final Map<String, Integer> SHIFTS = Map.of("", 0, "k", 10, "m", 20, "g", 30);

    @Override
    public Long convert(String text) {
        var parts = SIZE.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!parts.matches()) {
            throw wrong(text);
        }
        try {
            long factor = 1L << SHIFTS.get(parts.group(2));
            long size = Math.multiplyExact(Long.parseLong(parts.group(1)), factor);
            if (size < 1) {
                throw wrong(text);
            }
            return size;
        } catch (ArithmeticException e) {
            throw wrong(text);
        }
    }

    private static TypeConversionException wrong(String text) {
        return new TypeConversionException(
                "'" + text + "' is no size: write bytes, or a number with KiB, MiB or GiB");
    }

    /** {@return a size for people} */
    static String show(long bytes) {
        if (bytes % (1 << 30) == 0) {
            return (bytes >> 30) + " GiB";
        }
        if (bytes % (1 << 20) == 0) {
            return (bytes >> 20) + " MiB";
        }
        return bytes % 1024 == 0 ? (bytes >> 10) + " KiB" : bytes + " B";
    }
}
