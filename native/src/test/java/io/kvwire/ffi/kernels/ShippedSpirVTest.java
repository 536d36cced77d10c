package io.kvwire.ffi.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The SPIR-V that ships has every kernel of its source; compile-spirv.py compares the rest. */
class ShippedSpirVTest {
    private static final Pattern KERNEL = Pattern.compile("(?m)^KV_KERNEL (\\w+)\\(");

    static Stream<Arguments> modules() {
        return Stream.of(
                Arguments.of("kv_rows", KernelSource.openCl(), KernelSource.spirV(), 6),
                Arguments.of("kv_runs", KernelSource.openClRuns(), KernelSource.spirVRuns(), 8),
                Arguments.of("llama", KernelSource.openClLlama(), KernelSource.spirVLlama(), 18));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("modules")
    void everyKernelIsThere(String name, String source, byte[] module, int kernels) {
        var words = ByteBuffer.wrap(module).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(0x07230203, words.getInt(), "the first word of SPIR-V");
        assertEquals(0x00010000, words.getInt(), "version 1.0");
        var text = new String(module, StandardCharsets.ISO_8859_1);
        var found = KERNEL.matcher(source);
        int count = 0;
        while (found.find()) {
            count++;
            assertTrue(text.contains(found.group(1) + '\0'), found.group(1) + " in " + name);
        }
        assertEquals(kernels, count, "kernels of " + name);
    }
}
