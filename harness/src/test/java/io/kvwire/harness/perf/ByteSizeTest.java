package io.kvwire.harness.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine.TypeConversionException;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "4096, 4096",
        "64B, 64",
        "4k, 4096",
        "4KiB, 4096",
        "4 kib, 4096",
        "1MiB, 1048576",
        "1mb, 1048576",
        "2G, 2147483648",
        "3GiB, 3221225472"
    })
    void sizesAreReadAsPeopleWriteThem(String text, long bytes) {
        assertEquals(bytes, new ByteSize().convert(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0",
                "-1",
                "1.5M",
                "1T",
                "MiB",
                "0x10",
                "9999999999999999",
                "999999999999999G"
            })
    void whatIsNoSizeIsRefusedWithTheText(String text) {
        var refused =
                assertThrows(TypeConversionException.class, () -> new ByteSize().convert(text));
        assertTrue(refused.getMessage().contains("'" + text + "'"), refused.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"1, 1 B", "1000, 1000 B", "4096, 4 KiB", "1048576, 1 MiB", "3221225472, 3 GiB"})
    void sizesAreShownInTheLargestWholeUnit(long bytes, String shown) {
        assertEquals(shown, ByteSize.show(bytes));
    }
}
