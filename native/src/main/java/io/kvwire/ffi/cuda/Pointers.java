package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.util.OptionalInt;

/** What the driver knows of an address. Stateless. */
final class Pointers {
    private Pointers() {}

    static AddressRange range(Context context, long address) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            var base = arena.allocate(JAVA_LONG);
            var size = arena.allocate(JAVA_LONG);
            int status =
                    Calls.raw(
                            "cuMemGetAddressRange",
                            () -> (int) Cu.MEM_GET_ADDRESS_RANGE.invokeExact(base, size, address));
            if (status == Result.CUDA_ERROR_NOT_FOUND.number()) {
                throw new TransferException(
                        ErrorCode.OUT_OF_RANGE,
                        "0x"
                                + Long.toHexString(address)
                                + " is no address of "
                                + context.device().name());
            }
            if (status != 0) {
                throw Result.failure(
                        "cuMemGetAddressRange of 0x" + Long.toHexString(address), status);
            }
            return new AddressRange(base.get(JAVA_LONG, 0), size.get(JAVA_LONG, 0));
        }
    }

    /** {@return an attribute; empty for an address that the driver does not know} */
    static OptionalInt attribute(Context context, long address, int attribute) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            // Some attributes are a byte, some four: the rest stays zero.
            var value = arena.allocate(JAVA_LONG);
            int status =
                    Calls.raw(
                            "cuPointerGetAttribute",
                            () ->
                                    (int)
                                            Cu.POINTER_GET_ATTRIBUTE.invokeExact(
                                                    value, attribute, address));
            return status == 0 ? OptionalInt.of(value.get(JAVA_INT, 0)) : OptionalInt.empty();
        }
    }

    static void synchroniseCopies(Context context, long address) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            var yes = arena.allocateFrom(JAVA_INT, 1);
            Calls.status(
                    "cuPointerSetAttribute",
                    () ->
                            (int)
                                    Cu.POINTER_SET_ATTRIBUTE.invokeExact(
                                            yes,
                                            Constants.CU_POINTER_ATTRIBUTE_SYNC_MEMOPS,
                                            address));
        }
    }
}
