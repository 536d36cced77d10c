package io.kvwire.ffi.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.ffi.CCompiler;
import io.kvwire.ffi.Errno;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Every size, offset and number of this package, against those of a C compiler here. */
class HeadersTest {

    private static final List<String> HEADERS =
            List.of(
                    "errno.h",
                    "fcntl.h",
                    "linux/memfd.h",
                    "linux/mempolicy.h",
                    "poll.h",
                    "stddef.h",
                    "stdio.h",
                    "sys/mman.h",
                    "sys/socket.h",
                    "sys/syscall.h",
                    "sys/uio.h",
                    "sys/un.h",
                    "unistd.h");

    @BeforeAll
    static void needsACompiler() {
        CCompiler.assumePresent(HEADERS.toArray(String[]::new));
    }

    @Test
    void everythingIsAsTheCompilerHasIt(@TempDir Path folder) throws Exception {
        var ours = new TreeMap<String, Long>();
        for (var field : Structs.class.getDeclaredFields()) {
            if (field.get(null) instanceof StructLayout struct) {
                add(ours, struct);
            }
        }
        for (var field : Constants.class.getDeclaredFields()) {
            ours.put(field.getName(), ((Number) field.get(null)).longValue());
        }
        for (var field : Errno.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers()) && field.getType() == int.class) {
                ours.put(field.getName(), (long) field.getInt(null));
            }
        }
        assertEquals(text(ours), text(askCompiler(folder, ours.keySet())));
    }

    private static void add(Map<String, Long> all, StructLayout struct) {
        var name = "struct " + struct.name().orElseThrow();
        all.put("sizeof(" + name + ")", struct.byteSize());
        for (var member : struct.memberLayouts()) {
            if (!(member instanceof PaddingLayout)) {
                var field = member.name().orElseThrow();
                all.put(
                        "offsetof(" + name + ", " + field + ")",
                        struct.byteOffset(MemoryLayout.PathElement.groupElement(field)));
            }
        }
    }

    private static Map<String, Long> askCompiler(Path folder, Iterable<String> expressions)
            throws Exception {
        var program = new StringBuilder("#define _GNU_SOURCE\n");
        HEADERS.forEach(header -> program.append("#include <").append(header).append(">\n"));
        program.append("int main(void) {\n");
        for (var expression : expressions) {
            program.append("    printf(\"%lld\\t%s\\n\", (long long) (")
                    .append(expression)
                    .append("), \"")
                    .append(expression)
                    .append("\");\n");
        }
        program.append("    return 0;\n}\n");
        return CCompiler.run(folder, program.toString()).stream()
                .collect(
                        Collectors.toMap(
                                line -> line.substring(line.indexOf('\t') + 1),
                                line -> Long.valueOf(line.substring(0, line.indexOf('\t'))),
                                (a, _) -> a,
                                TreeMap::new));
    }

    private static String text(Map<String, Long> numbers) {
        return numbers.entrySet().stream()
                .map(e -> e.getKey() + " = " + e.getValue())
                .collect(Collectors.joining("\n"));
    }
}
