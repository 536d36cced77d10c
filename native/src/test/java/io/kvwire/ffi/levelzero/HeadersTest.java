package io.kvwire.ffi.levelzero;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.ffi.CCompiler;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;

/** Every number, size and offset that the binding uses, as a C compiler finds it in ze_api.h. */
class HeadersTest {

    @BeforeAll
    static void needsACompilerAndTheHeader() {
        CCompiler.assumePresent("level_zero/ze_api.h");
    }

    @Test
    void everyConstantIsTheHeaders(@TempDir Path folder) throws Exception {
        var ours = new LinkedHashMap<String, Long>();
        for (var field : Constants.class.getDeclaredFields()) {
            if (field.getName().startsWith("ZE_")) {
                ours.put(field.getName(), ((Number) field.get(null)).longValue());
            }
        }
        assertTrue(ours.size() > 12, "found " + ours);
        compare(folder, ours);
    }

    @Test
    void everyErrorIsTheHeaders(@TempDir Path folder) throws Exception {
        var ours = new LinkedHashMap<String, Long>();
        for (var error : ErrorName.values()) {
            ours.put(error.name(), (long) error.number());
        }
        compare(folder, ours);
    }

    @Test
    void everyStructIsTheHeaders(@TempDir Path folder) throws Exception {
        var ours = new LinkedHashMap<String, Long>();
        for (var field : Structs.class.getDeclaredFields()) {
            if (field.getType() == StructLayout.class) {
                add(ours, (StructLayout) field.get(null));
            }
        }
        assertTrue(ours.size() > 60, "found " + ours);
        compare(folder, ours);
    }

    private static void add(Map<String, Long> ours, StructLayout layout) {
        var struct = layout.name().orElseThrow();
        ours.put("sizeof(" + struct + ")", layout.byteSize());
        for (var member : layout.memberLayouts()) {
            if (!(member instanceof PaddingLayout)) {
                var field = member.name().orElseThrow();
                long offset = layout.byteOffset(PathElement.groupElement(field));
                ours.put("offsetof(" + struct + ", " + field + ")", offset);
                ours.put("sizeof(((" + struct + " *) 0)->" + field + ")", member.byteSize());
            }
        }
    }

    private static void compare(Path folder, Map<String, Long> ours) throws Exception {
        var expected = new ArrayList<String>();
        var program = new StringBuilder("#include <stddef.h>\n#include <stdio.h>\n");
        program.append("#include <level_zero/ze_api.h>\nint main(void) {\n");
        ours.forEach((expression, value) -> {
            expected.add(expression + " " + value);
            program.append(
                    "printf(\"%s %%lld\\n\", (long long) %s);\n".formatted(expression, expression));
        });
        assertEquals(expected, CCompiler.run(folder, program.append("return 0;\n}\n").toString()));
    }
}
