package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;

/** Structs of {@code cuda.h}. Addresses and handles are numbers: nobody follows them here. */
final class Structs {
    /** Bytes of the handles that processes pass to each other: {@code CU_IPC_HANDLE_SIZE}. */
    static final int IPC_HANDLE_BYTES = 64;

    /** Also that of events, which is as large. */
    static final StructLayout IPC_HANDLE =
            CStruct.of(
                    "CUipcMemHandle",
                    MemoryLayout.sequenceLayout(IPC_HANDLE_BYTES, JAVA_BYTE).withName("reserved"));

    static final StructLayout LOCATION =
            CStruct.of("CUmemLocation", JAVA_INT.withName("type"), JAVA_INT.withName("id"));

    static final StructLayout ALLOCATION =
            CStruct.of(
                    "CUmemAllocationProp",
                    JAVA_INT.withName("type"),
                    JAVA_INT.withName("requestedHandleTypes"),
                    LOCATION.withName("location"),
                    JAVA_LONG.withName("win32HandleMetaData"),
                    CStruct.structOf(
                                    JAVA_BYTE.withName("compressionType"),
                                    JAVA_BYTE.withName("gpuDirectRDMACapable"),
                                    JAVA_SHORT.withName("usage"),
                                    MemoryLayout.sequenceLayout(4, JAVA_BYTE).withName("reserved"))
                            .withName("allocFlags"));

    static final StructLayout ACCESS =
            CStruct.of(
                    "CUmemAccessDesc", LOCATION.withName("location"), JAVA_INT.withName("flags"));

    static final StructLayout COPY_ATTRIBUTES =
            CStruct.of(
                    "CUmemcpyAttributes",
                    JAVA_INT.withName("srcAccessOrder"),
                    LOCATION.withName("srcLocHint"),
                    LOCATION.withName("dstLocHint"),
                    JAVA_INT.withName("flags"));

    static final StructLayout COPY_2D =
            CStruct.of(
                    "CUDA_MEMCPY2D",
                    JAVA_LONG.withName("srcXInBytes"),
                    JAVA_LONG.withName("srcY"),
                    JAVA_INT.withName("srcMemoryType"),
                    JAVA_LONG.withName("srcHost"),
                    JAVA_LONG.withName("srcDevice"),
                    JAVA_LONG.withName("srcArray"),
                    JAVA_LONG.withName("srcPitch"),
                    JAVA_LONG.withName("dstXInBytes"),
                    JAVA_LONG.withName("dstY"),
                    JAVA_INT.withName("dstMemoryType"),
                    JAVA_LONG.withName("dstHost"),
                    JAVA_LONG.withName("dstDevice"),
                    JAVA_LONG.withName("dstArray"),
                    JAVA_LONG.withName("dstPitch"),
                    JAVA_LONG.withName("WidthInBytes"),
                    JAVA_LONG.withName("Height"));

    private Structs() {}
}
