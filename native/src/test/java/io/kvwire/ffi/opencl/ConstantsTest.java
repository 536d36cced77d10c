package io.kvwire.ffi.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.ffi.CCompiler;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Every number that the binding uses, against those of a C compiler on this machine. */
class ConstantsTest {

    @BeforeAll
    static void needsACompilerAndTheHeaders() {
        CCompiler.assumePresent("CL/cl_ext.h");
    }

    @Test
    void everyConstantIsTheHeaders(@TempDir Path folder) throws Exception {
        var names = new ArrayList<String>();
        var ours = new ArrayList<String>();
        for (var field : Constants.class.getDeclaredFields()) {
            if (field.getName().startsWith("CL_")) {
                names.add(field.getName());
                ours.add(field.getName() + " " + ((Number) field.get(null)).longValue());
            }
        }
        assertTrue(names.size() > 20, "found " + names);
        assertEquals(ours, ask(folder, names));
    }

    @Test
    void everyErrorIsTheHeaders(@TempDir Path folder) throws Exception {
        var names = new ArrayList<String>();
        var ours = new ArrayList<String>();
        for (var error : ErrorName.values()) {
            names.add(error.name());
            ours.add(error.name() + " " + error.number());
        }
        assertEquals(ours, ask(folder, names));
    }

    private static List<String> ask(Path folder, List<String> names) throws Exception {
        var program = new StringBuilder();
        program.append("#define CL_TARGET_OPENCL_VERSION 300\n#include <stdio.h>\n");
        program.append("#include <CL/cl.h>\n#include <CL/cl_ext.h>\nint main(void) {\n");
        for (var name : names) {
            program.append("    printf(\"" + name + " %lld\\n\", (long long) " + name + ");\n");
        }
        return CCompiler.run(folder, program.append("    return 0;\n}\n").toString());
    }
}
