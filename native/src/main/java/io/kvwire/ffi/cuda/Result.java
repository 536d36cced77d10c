package io.kvwire.ffi.cuda;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.Arrays;
import java.util.Optional;

/** Values of {@code CUresult} in {@code cuda.h}, by name, and what to do about each. */
enum Result {
    CUDA_ERROR_INVALID_VALUE(1, ErrorCode.OUT_OF_RANGE, "Check addresses and sizes"),
    CUDA_ERROR_OUT_OF_MEMORY(
            2, ErrorCode.RESOURCE_EXHAUSTED, "Free memory of the device, or use smaller caches"),
    CUDA_ERROR_NOT_INITIALIZED(3, ErrorCode.INTERNAL, "cuInit comes first"),
    CUDA_ERROR_DEINITIALIZED(4, ErrorCode.CLOSED, "The process is ending"),
    CUDA_ERROR_STUB_LIBRARY(
            34,
            ErrorCode.PATH_UNAVAILABLE,
            "This is the toolkit's stub of libcuda: take its folder from LD_LIBRARY_PATH"),
    CUDA_ERROR_DEVICE_UNAVAILABLE(
            46, ErrorCode.PATH_UNAVAILABLE, "Another process holds it: see nvidia-smi"),
    CUDA_ERROR_NO_DEVICE(
            100,
            ErrorCode.PATH_UNAVAILABLE,
            "See nvidia-smi and CUDA_VISIBLE_DEVICES; in a container, start it with --gpus"),
    CUDA_ERROR_INVALID_DEVICE(101, ErrorCode.PATH_UNAVAILABLE, "See nvidia-smi for the devices"),
    CUDA_ERROR_INVALID_IMAGE(200, ErrorCode.INTERNAL, "The module is no PTX that can be read"),
    CUDA_ERROR_INVALID_CONTEXT(
            201, ErrorCode.CLOSED, "The context is closed, or an IPC handle is of this process"),
    CUDA_ERROR_MAP_FAILED(205, ErrorCode.INTERNAL, "See dmesg for NVRM messages"),
    CUDA_ERROR_NO_BINARY_FOR_GPU(
            209, ErrorCode.PATH_UNAVAILABLE, "The kernels need compute capability 8.0 or newer"),
    CUDA_ERROR_ECC_UNCORRECTABLE(
            214, ErrorCode.CORRUPT, "The device's memory is damaged: reset or replace it"),
    CUDA_ERROR_PEER_ACCESS_UNSUPPORTED(
            217, ErrorCode.PATH_UNAVAILABLE, "The devices do not reach each other's memory"),
    CUDA_ERROR_INVALID_PTX(218, ErrorCode.INTERNAL, "See the compiler's log"),
    CUDA_ERROR_JIT_COMPILER_NOT_FOUND(
            221, ErrorCode.PATH_UNAVAILABLE, "Install the driver's libnvidia-ptxjitcompiler"),
    CUDA_ERROR_UNSUPPORTED_PTX_VERSION(
            222, ErrorCode.PATH_UNAVAILABLE, "Install a newer driver: the kernels' PTX is newer"),
    CUDA_ERROR_JIT_COMPILATION_DISABLED(
            223, ErrorCode.PATH_UNAVAILABLE, "Unset CUDA_DISABLE_PTX_JIT"),
    CUDA_ERROR_OPERATING_SYSTEM(
            304, ErrorCode.INTERNAL, "See limits of locked memory (ulimit -l) and dmesg"),
    CUDA_ERROR_INVALID_HANDLE(400, ErrorCode.CLOSED, "The object is closed"),
    CUDA_ERROR_ILLEGAL_STATE(401, ErrorCode.INTERNAL, ""),
    CUDA_ERROR_NOT_FOUND(500, ErrorCode.OUT_OF_RANGE, "The module has no such function"),
    CUDA_ERROR_NOT_READY(600, ErrorCode.INTERNAL, "Wait for the event"),
    CUDA_ERROR_ILLEGAL_ADDRESS(
            700,
            ErrorCode.INTERNAL,
            "A kernel left its memory: the context is lost, restart the process"),
    CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES(701, ErrorCode.OUT_OF_RANGE, "Use smaller groups"),
    CUDA_ERROR_LAUNCH_TIMEOUT(702, ErrorCode.INTERNAL, "The device also drives a display"),
    CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED(704, ErrorCode.INTERNAL, ""),
    CUDA_ERROR_PEER_ACCESS_NOT_ENABLED(705, ErrorCode.OUT_OF_RANGE, "Enable peer access first"),
    CUDA_ERROR_CONTEXT_IS_DESTROYED(709, ErrorCode.CLOSED, "The context was reset"),
    CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED(
            712, ErrorCode.OUT_OF_RANGE, "Register each range once"),
    CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED(713, ErrorCode.OUT_OF_RANGE, ""),
    CUDA_ERROR_ILLEGAL_INSTRUCTION(
            715, ErrorCode.INTERNAL, "The context is lost: restart the process"),
    CUDA_ERROR_MISALIGNED_ADDRESS(
            716, ErrorCode.INTERNAL, "The context is lost: restart the process"),
    CUDA_ERROR_LAUNCH_FAILED(719, ErrorCode.INTERNAL, "The context is lost: restart the process"),
    CUDA_ERROR_NOT_PERMITTED(800, ErrorCode.PATH_UNAVAILABLE, "The system does not allow it"),
    CUDA_ERROR_NOT_SUPPORTED(
            801, ErrorCode.PATH_UNAVAILABLE, "The device or the driver does not offer this"),
    CUDA_ERROR_SYSTEM_NOT_READY(
            802, ErrorCode.PATH_UNAVAILABLE, "Start nvidia-fabricmanager, which NVSwitch needs"),
    CUDA_ERROR_SYSTEM_DRIVER_MISMATCH(
            803, ErrorCode.PATH_UNAVAILABLE, "Kernel module and library differ: reboot"),
    CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE(
            804, ErrorCode.PATH_UNAVAILABLE, "Take the compatibility libcuda from the path"),
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED(
            900, ErrorCode.OUT_OF_RANGE, "Do not call this while a graph is captured"),
    CUDA_ERROR_TIMEOUT(909, ErrorCode.DEADLINE_EXCEEDED, ""),
    CUDA_ERROR_UNKNOWN(999, ErrorCode.INTERNAL, "See dmesg for NVRM messages");

    private final int number;
    private final ErrorCode code;
    private final String advice;

    Result(int number, ErrorCode code, String advice) {
        this.number = number;
        this.code = code;
        this.advice = advice;
    }

    int number() {
        return number;
    }

    static Optional<Result> of(int number) {
        return Arrays.stream(values()).filter(r -> r.number == number).findFirst();
    }

    static TransferException failure(String what, int status) {
        var result = of(status);
        var name = result.map(Enum::name).orElse("an error of the driver") + " (" + status + ")";
        var advice = result.map(r -> r.advice).filter(a -> !a.isEmpty()).map(a -> ". " + a);
        return new TransferException(
                result.map(r -> r.code).orElse(ErrorCode.INTERNAL),
                what + " failed: " + name + advice.orElse(""));
    }
}
