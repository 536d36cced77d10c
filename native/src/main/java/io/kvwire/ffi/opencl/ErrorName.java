package io.kvwire.ffi.opencl;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.Arrays;
import java.util.Optional;

/** Errors of {@code CL/cl.h} and of the ICD loader, by name, and what to do about each. */
enum ErrorName {
    CL_DEVICE_NOT_FOUND(-1, ErrorCode.PATH_UNAVAILABLE, "Install a driver, such as PoCL's"),
    CL_DEVICE_NOT_AVAILABLE(-2, ErrorCode.PATH_UNAVAILABLE, "See whether another process holds it"),
    CL_COMPILER_NOT_AVAILABLE(
            -3, ErrorCode.PATH_UNAVAILABLE, "The driver compiles no source: install its compiler"),
    CL_MEM_OBJECT_ALLOCATION_FAILURE(
            -4, ErrorCode.RESOURCE_EXHAUSTED, "Close buffers, or use smaller ones"),
    CL_OUT_OF_RESOURCES(-5, ErrorCode.RESOURCE_EXHAUSTED, "Free memory of the device"),
    CL_OUT_OF_HOST_MEMORY(-6, ErrorCode.RESOURCE_EXHAUSTED, "Free memory of the host"),
    CL_PROFILING_INFO_NOT_AVAILABLE(
            -7, ErrorCode.INTERNAL, "Ask when the command is complete, on a profiling queue"),
    CL_MEM_COPY_OVERLAP(-8, ErrorCode.OUT_OF_RANGE, "Source and target must not overlap"),
    CL_BUILD_PROGRAM_FAILURE(-11, ErrorCode.INTERNAL, "See the build log"),
    CL_MISALIGNED_SUB_BUFFER_OFFSET(-13, ErrorCode.OUT_OF_RANGE, "Align the offset"),
    CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST(
            -14, ErrorCode.INTERNAL, "A command before this one failed: see its event"),
    CL_INVALID_VALUE(-30, ErrorCode.OUT_OF_RANGE, "Check ranges against sizes of buffers"),
    CL_INVALID_PLATFORM(-32, ErrorCode.OUT_OF_RANGE, ""),
    CL_INVALID_DEVICE(-33, ErrorCode.OUT_OF_RANGE, ""),
    CL_INVALID_CONTEXT(-34, ErrorCode.CLOSED, "All objects of a command need one context"),
    CL_INVALID_QUEUE_PROPERTIES(
            -35, ErrorCode.OUT_OF_RANGE, "The device does not offer this kind of queue"),
    CL_INVALID_COMMAND_QUEUE(-36, ErrorCode.CLOSED, "The queue is closed"),
    CL_INVALID_HOST_PTR(-37, ErrorCode.OUT_OF_RANGE, ""),
    CL_INVALID_MEM_OBJECT(-38, ErrorCode.CLOSED, "The buffer is closed"),
    CL_INVALID_BINARY(-42, ErrorCode.OUT_OF_RANGE, "It was compiled for another device"),
    CL_INVALID_BUILD_OPTIONS(-43, ErrorCode.OUT_OF_RANGE, "The driver knows not all options"),
    CL_INVALID_PROGRAM(-44, ErrorCode.CLOSED, "The program is closed"),
    CL_INVALID_PROGRAM_EXECUTABLE(-45, ErrorCode.OUT_OF_RANGE, "Build the program first"),
    CL_INVALID_KERNEL_NAME(-46, ErrorCode.OUT_OF_RANGE, "The program has no such kernel"),
    CL_INVALID_KERNEL_DEFINITION(-47, ErrorCode.OUT_OF_RANGE, ""),
    CL_INVALID_KERNEL(-48, ErrorCode.CLOSED, "The kernel is closed"),
    CL_INVALID_ARG_INDEX(-49, ErrorCode.OUT_OF_RANGE, "The kernel has fewer arguments"),
    CL_INVALID_ARG_VALUE(-50, ErrorCode.OUT_OF_RANGE, ""),
    CL_INVALID_ARG_SIZE(-51, ErrorCode.OUT_OF_RANGE, "The argument has another type"),
    CL_INVALID_KERNEL_ARGS(-52, ErrorCode.OUT_OF_RANGE, "Set every argument"),
    CL_INVALID_WORK_DIMENSION(-53, ErrorCode.OUT_OF_RANGE, ""),
    CL_INVALID_WORK_GROUP_SIZE(-54, ErrorCode.OUT_OF_RANGE, "Use the size that the kernel names"),
    CL_INVALID_WORK_ITEM_SIZE(-55, ErrorCode.OUT_OF_RANGE, "The device has smaller groups"),
    CL_INVALID_EVENT_WAIT_LIST(-57, ErrorCode.CLOSED, "An event of the list is closed"),
    CL_INVALID_EVENT(-58, ErrorCode.CLOSED, "The event is closed"),
    CL_INVALID_OPERATION(-59, ErrorCode.PATH_UNAVAILABLE, "The driver does not offer this"),
    CL_INVALID_BUFFER_SIZE(
            -61, ErrorCode.RESOURCE_EXHAUSTED, "It is above the device's largest buffer"),
    CL_INVALID_GLOBAL_WORK_SIZE(-63, ErrorCode.OUT_OF_RANGE, ""),
    CL_PLATFORM_NOT_FOUND_KHR(
            -1001, ErrorCode.PATH_UNAVAILABLE, "Install a driver, such as PoCL's");

    private final int number;
    private final ErrorCode code;
    private final String advice;

    ErrorName(int number, ErrorCode code, String advice) {
        this.number = number;
        this.code = code;
        this.advice = advice;
    }

    int number() {
        return number;
    }

    static Optional<ErrorName> of(int number) {
        return Arrays.stream(values()).filter(e -> e.number == number).findFirst();
    }

    static TransferException failure(String what, int status) {
        var error = of(status);
        var name = error.map(Enum::name).orElse("an error of the driver") + " (" + status + ")";
        var advice = error.map(e -> e.advice).filter(a -> !a.isEmpty()).map(a -> ". " + a);
        return new TransferException(
                error.map(e -> e.code).orElse(ErrorCode.INTERNAL),
                what + " failed: " + name + advice.orElse(""));
    }
}
