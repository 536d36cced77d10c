package io.kvwire.ffi.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.ffi.CCompiler;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.stream.Stream;

/** The structs that kernels take, as a C compiler lays out what their sources say. */
class KernelStructsTest {

    static Stream<Arguments> structs() {
        return Stream.of(
                Arguments.of("KvRows", KvRows.LAYOUT, KernelSource.openCl()),
                Arguments.of("KvRun", KvRuns.LAYOUT, KernelSource.openClRuns()),
                Arguments.of("LlamaCache", LlamaCache.LAYOUT, KernelSource.openClLlama()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("structs")
    void theStructIsThatOfTheKernels(
            String struct, StructLayout layout, String source, @TempDir Path folder)
            throws Exception {
        CCompiler.assumePresent("stddef.h");
        int end = source.indexOf("} " + struct + ";");
        var fields = source.substring(source.lastIndexOf("typedef struct {", end), end);
        var program = new StringBuilder();
        program.append("#include <stddef.h>\n#include <stdio.h>\ntypedef unsigned int uint;\n");
        program.append(fields).append("} " + struct + ";\nint main(void) {\n");
        var ours = new ArrayList<String>();
        for (var member : layout.memberLayouts()) {
            assertTrue(
                    !(member instanceof PaddingLayout), "no padding that compilers could choose");
            var name = member.name().orElseThrow();
            ours.add(name + " " + layout.byteOffset(PathElement.groupElement(name)));
            program.append(
                    "printf(\"%s %%zu\\n\", offsetof(%s, %s));\n".formatted(name, struct, name));
        }
        ours.add("size " + layout.byteSize());
        program.append("printf(\"size %%zu\\n\", sizeof(%s));\nreturn 0;\n}\n".formatted(struct));
        assertEquals(ours, CCompiler.run(folder, program.toString()));
    }
}
