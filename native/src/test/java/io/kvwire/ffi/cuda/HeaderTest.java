package io.kvwire.ffi.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.CCompiler;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Every number and every struct that the binding uses, against those of a C compiler. */
class HeaderTest {
    private static final Path HEADER =
            Path.of(
                    System.getenv().getOrDefault("CUDA_INCLUDE", "/usr/local/cuda/include"),
                    "cuda.h");

    @BeforeAll
    static void needsACompilerAndTheHeader() {
        CCompiler.assumePresent("stddef.h");
        assumeTrue(
                Files.exists(HEADER),
                "no cuda.h: name its folder in CUDA_INCLUDE; PyPI's nvidia-cuda-runtime-cu12 has"
                        + " it");
    }

    @Test
    void everyConstantIsTheHeaders(@TempDir Path folder) throws Exception {
        var ours = new ArrayList<String>();
        var program = new StringBuilder();
        for (var field : Constants.class.getDeclaredFields()) {
            if (field.getName().startsWith("CU_")) {
                program.append(number(field.getName()));
                ours.add(field.getName() + " " + ((Number) field.get(null)).longValue());
            }
        }
        assertTrue(ours.size() > 30, "found " + ours);
        assertEquals(ours, ask(folder, program));
    }

    @Test
    void everyResultIsTheHeaders(@TempDir Path folder) throws Exception {
        var ours = new ArrayList<String>();
        var program = new StringBuilder();
        for (var result : Result.values()) {
            program.append(number(result.name()));
            ours.add(result.name() + " " + result.number());
        }
        assertEquals(ours, ask(folder, program));
    }

    @Test
    void everyStructIsTheHeaders(@TempDir Path folder) throws Exception {
        var ours = new ArrayList<String>();
        var program = new StringBuilder();
        for (var struct :
                List.of(
                        Structs.IPC_HANDLE,
                        Structs.LOCATION,
                        Structs.ALLOCATION,
                        Structs.ACCESS,
                        Structs.COPY_ATTRIBUTES,
                        Structs.COPY_2D)) {
            var name = struct.name().orElseThrow();
            ours.add(name + " " + struct.byteSize());
            program.append("printf(\"%s %%zu\\n\", sizeof(%s));\n".formatted(name, name));
            fields(struct)
                    .forEach(field -> {
                        ours.add(name + "." + field + " " + offset(struct, field));
                        program.append(
                                "printf(\"%s.%s %%zu\\n\", offsetof(%s, %s));\n"
                                        .formatted(name, field, name, field));
                    });
        }
        assertEquals(ours, ask(folder, program));
    }

    private static long offset(StructLayout struct, String field) {
        return struct.byteOffset(
                Stream.of(field.split("[.]", -1))
                        .map(PathElement::groupElement)
                        .toArray(PathElement[]::new));
    }

    private static Stream<String> fields(GroupLayout group) {
        return group.memberLayouts().stream()
                .filter(member -> !(member instanceof PaddingLayout))
                .flatMap(HeaderTest::names);
    }

    private static Stream<String> names(MemoryLayout member) {
        var name = member.name().orElseThrow();
        return member instanceof GroupLayout inner
                ? fields(inner).map(field -> name + "." + field)
                : Stream.of(name);
    }

    private static String number(String name) {
        return "printf(\"%s %%lld\\n\", (long long) %s);\n".formatted(name, name);
    }

    private static List<String> ask(Path folder, StringBuilder statements) throws Exception {
        return CCompiler.run(
                folder,
                "#include \""
                        + HEADER
                        + "\"\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n"
                        + statements
                        + "return 0;\n}\n");
    }
}
