package io.kvwire.ffi.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The device code, in each of the forms that drivers take. Thread-safe. */
public final class KernelSource {

    private KernelSource() {}

    /** {@return {@code kv_rows.h} as OpenCL C 1.2} */
    public static String openCl() {
        return text("opencl.h") + text("kv_rows.h");
    }

    /** {@return {@code kv_runs.h} as OpenCL C 1.2} */
    public static String openClRuns() {
        return openCl() + text("kv_runs.h");
    }

    /** {@return {@code llama.h} as OpenCL C 1.2} */
    public static String openClLlama() {
        return openCl() + text("llama.h");
    }

    /** {@return {@code llama.h} as CUDA C that needs no header} */
    public static String cudaLlama() {
        return cuda() + text("llama.h");
    }

    /** {@return {@code kv_rows.h} as CUDA C that needs no header} */
    public static String cuda() {
        return text("cuda.h") + text("kv_rows.h");
    }

    /**
     * {@return {@code kv_rows.h} and {@code kv_runs.h} as PTX for devices of compute capability 8.0
     * and up; drivers of CUDA 12.9 and newer}
     */
    public static String ptx() {
        return text("kv_rows.ptx");
    }

    /** {@return {@code llama.h} as PTX, likewise} */
    public static String ptxLlama() {
        return text("llama.ptx");
    }

    /** {@return a SPIR-V 1.0 module for OpenCL and Level Zero} */
    public static byte[] spirV() {
        return bytes("kv_rows.spv");
    }

    /** {@return {@code kv_runs.h} with {@code kv_rows.h}, likewise} */
    public static byte[] spirVRuns() {
        return bytes("kv_runs.spv");
    }

    /** {@return {@code llama.h}, likewise} */
    public static byte[] spirVLlama() {
        return bytes("llama.spv");
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
