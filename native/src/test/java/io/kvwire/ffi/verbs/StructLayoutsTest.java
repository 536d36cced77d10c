package io.kvwire.ffi.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.ffi.CCompiler;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Every size and offset that the bindings use, against those of a C compiler on this machine. */
class StructLayoutsTest {

    private static final List<StructLayout> STRUCTS =
            List.of(
                    IbvAhAttr.LAYOUT,
                    IbvAsyncEvent.LAYOUT,
                    IbvCompChannel.LAYOUT,
                    IbvContext.LAYOUT,
                    IbvContextOps.LAYOUT,
                    IbvDevice.LAYOUT,
                    IbvDeviceAttr.LAYOUT,
                    IbvGidEntry.LAYOUT,
                    IbvGlobalRoute.LAYOUT,
                    IbvMr.LAYOUT,
                    IbvMw.LAYOUT,
                    IbvMwBindInfo.LAYOUT,
                    IbvPortAttr.LAYOUT,
                    IbvQp.LAYOUT,
                    IbvQpAttr.LAYOUT,
                    IbvQpCap.LAYOUT,
                    IbvQpInitAttr.LAYOUT,
                    IbvRecvWr.LAYOUT,
                    IbvSendWr.LAYOUT,
                    IbvSge.LAYOUT,
                    IbvSrqAttr.LAYOUT,
                    IbvSrqInitAttr.LAYOUT,
                    IbvWc.LAYOUT,
                    RdmaCmEvent.LAYOUT,
                    RdmaCmId.LAYOUT,
                    RdmaConnParam.LAYOUT,
                    RdmaEventChannel.LAYOUT,
                    SockaddrIn.LAYOUT,
                    SockaddrIn6.LAYOUT);

    @BeforeAll
    static void needsACompilerAndTheHeaders() {
        CCompiler.assumePresent("infiniband/verbs.h", "rdma/rdma_cma.h");
    }

    @Test
    void everySizeAndOffsetIsTheCompilers(@TempDir Path folder) throws Exception {
        var ours = new TreeMap<String, Long>();
        for (var struct : STRUCTS) {
            var name = struct.name().orElseThrow();
            ours.put("sizeof(struct " + name + ")", struct.byteSize());
            addOffsets(ours, name, "", struct, 0);
        }
        assertEquals(text(ours), text(askCompiler(folder, ours.keySet())));
    }

    @Test
    void everyStructClassIsCompared() throws Exception {
        var classes =
                Path.of(IbvSge.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                        .resolve("io/kvwire/ffi/verbs");
        try (var files = java.nio.file.Files.list(classes)) {
            long found =
                    files.map(f -> f.getFileName().toString())
                            .filter(f -> f.matches("(Ibv|Rdma|Sockaddr)[A-Z]\\w+\\.class"))
                            .count();
            assertEquals(found, STRUCTS.size(), "add the new struct to the list of this test");
        }
    }

    private static void addOffsets(
            Map<String, Long> offsets, String struct, String prefix, GroupLayout group, long base) {
        for (var member : group.memberLayouts()) {
            if (member instanceof PaddingLayout) {
                continue;
            }
            var name = member.name().orElseThrow();
            long offset = base + group.byteOffset(MemoryLayout.PathElement.groupElement(name));
            var path = prefix + name;
            offsets.put("offsetof(struct " + struct + ", " + path + ")", offset);
            if (member instanceof GroupLayout nested) {
                addOffsets(offsets, struct, path + ".", nested, offset);
            }
        }
    }

    private static Map<String, Long> askCompiler(Path folder, Iterable<String> expressions)
            throws Exception {
        var program = new StringBuilder();
        program.append("#include <stddef.h>\n#include <stdio.h>\n");
        program.append("#include <infiniband/verbs.h>\n#include <netinet/in.h>\n");
        program.append("#include <rdma/rdma_cma.h>\n");
        program.append("int main(void) {\n");
        for (var expression : expressions) {
            program.append("    printf(\"%zu\\t%s\\n\", (size_t) ")
                    .append(expression)
                    .append(", \"")
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

    private static String text(Map<String, Long> offsets) {
        return offsets.entrySet().stream()
                .map(e -> e.getKey() + " = " + e.getValue())
                .collect(Collectors.joining("\n"));
    }
}
