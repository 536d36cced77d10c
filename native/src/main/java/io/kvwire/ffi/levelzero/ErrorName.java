package io.kvwire.ffi.levelzero;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.Arrays;

/** Errors of {@code level_zero/ze_api.h}, by name, and what to do about each. */
enum ErrorName {
    ZE_RESULT_ERROR_DEVICE_LOST(
            0x70000001, ErrorCode.PATH_UNAVAILABLE, "See the kernel's log; restart the process"),
    ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY(
            0x70000002, ErrorCode.RESOURCE_EXHAUSTED, "Free memory of the host"),
    ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY(
            0x70000003, ErrorCode.RESOURCE_EXHAUSTED, "Free memory of the device"),
    ZE_RESULT_ERROR_MODULE_BUILD_FAILURE(0x70000004, ErrorCode.INTERNAL, "See the build log"),
    ZE_RESULT_ERROR_MODULE_LINK_FAILURE(0x70000005, ErrorCode.INTERNAL, "See the build log"),
    ZE_RESULT_ERROR_DEVICE_REQUIRES_RESET(
            0x70000006, ErrorCode.PATH_UNAVAILABLE, "See the kernel's log; reset the device"),
    ZE_RESULT_ERROR_INSUFFICIENT_PERMISSIONS(
            0x70010000, ErrorCode.ACCESS_DENIED, "Add the user to the groups of /dev/dri"),
    ZE_RESULT_ERROR_NOT_AVAILABLE(0x70010001, ErrorCode.PATH_UNAVAILABLE, "Try again later"),
    ZE_RESULT_ERROR_DEPENDENCY_UNAVAILABLE(
            0x70020000, ErrorCode.PATH_UNAVAILABLE, "Install what the driver depends on"),
    ZE_RESULT_ERROR_UNINITIALIZED(
            0x78000001,
            ErrorCode.PATH_UNAVAILABLE,
            "Install a driver (Debian, Ubuntu: intel-level-zero-gpu)"),
    ZE_RESULT_ERROR_UNSUPPORTED_VERSION(
            0x78000002, ErrorCode.VERSION_MISMATCH, "Install a loader and a driver of one age"),
    ZE_RESULT_ERROR_UNSUPPORTED_FEATURE(
            0x78000003, ErrorCode.PATH_UNAVAILABLE, "The driver does not offer this"),
    ZE_RESULT_ERROR_INVALID_ARGUMENT(0x78000004, ErrorCode.OUT_OF_RANGE, ""),
    ZE_RESULT_ERROR_INVALID_NULL_HANDLE(0x78000005, ErrorCode.CLOSED, "The object is closed"),
    ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE(
            0x78000006, ErrorCode.INTERNAL, "Wait for its commands before closing it"),
    ZE_RESULT_ERROR_INVALID_NULL_POINTER(0x78000007, ErrorCode.OUT_OF_RANGE, ""),
    ZE_RESULT_ERROR_INVALID_SIZE(0x78000008, ErrorCode.OUT_OF_RANGE, ""),
    ZE_RESULT_ERROR_UNSUPPORTED_SIZE(
            0x78000009, ErrorCode.RESOURCE_EXHAUSTED, "It is above the largest allocation"),
    ZE_RESULT_ERROR_UNSUPPORTED_ALIGNMENT(0x7800000a, ErrorCode.OUT_OF_RANGE, "Align by less"),
    ZE_RESULT_ERROR_INVALID_NATIVE_BINARY(
            0x7800000f, ErrorCode.OUT_OF_RANGE, "It was compiled for another device"),
    ZE_RESULT_ERROR_INVALID_KERNEL_NAME(
            0x78000011, ErrorCode.OUT_OF_RANGE, "The module has no such kernel"),
    ZE_RESULT_ERROR_INVALID_GROUP_SIZE_DIMENSION(
            0x78000013, ErrorCode.OUT_OF_RANGE, "The device has smaller groups"),
    ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_INDEX(
            0x78000015, ErrorCode.OUT_OF_RANGE, "The kernel has fewer arguments"),
    ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_SIZE(
            0x78000016, ErrorCode.OUT_OF_RANGE, "The argument has another type"),
    ZE_RESULT_ERROR_OVERLAPPING_REGIONS(
            0x7800001a, ErrorCode.OUT_OF_RANGE, "Source and target must not overlap"),
    ZE_RESULT_ERROR_UNKNOWN(0x7ffffffe, ErrorCode.INTERNAL, "See the kernel's log");

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

    static TransferException failure(String what, int status) {
        var error = Arrays.stream(values()).filter(e -> e.number == status).findFirst();
        var number = " (0x" + Integer.toHexString(status) + ")";
        var advice = error.map(e -> e.advice).filter(a -> !a.isEmpty()).map(a -> ". " + a);
        return new TransferException(
                error.map(e -> e.code).orElse(ErrorCode.INTERNAL),
                what
                        + " failed: "
                        + error.map(Enum::name).orElse("an error of the driver")
                        + number
                        + advice.orElse(""));
    }
}
