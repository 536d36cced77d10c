package io.kvwire.ffi.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The kernels of {@code kv_rows.h} in each of the forms that drivers take. Thread-safe. */
public final class KernelSource {

    private KernelSource() {}

    /** {@return OpenCL C 1.2} */
    public static String openCl() {
        return text("opencl.h") + text("kv_rows.h");
    }

    /** {@return CUDA C that needs no header} */
    public static String cuda() {
        return text("cuda.h") + text("kv_rows.h");
    }

    /**
     * {@return PTX for devices of compute capability 8.0 and up; drivers of CUDA 12.9 and newer}
     */
    public static String ptx() {
        return text("kv_rows.ptx");
    }

    /** {@return a SPIR-V 1.0 module for OpenCL and Level Zero} */
    public static byte[] spirV() {
        return bytes("kv_rows.spv");
    }

    private static String text(String name) {
        return new String(bytes(name), StandardCharsets.US_ASCII);
    }

    private static byte[] bytes(String name) {
        try (var in = KernelSource.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
