package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.invoke.MethodHandle;

/** A method of jVerbs, found by its name. What it throws becomes a {@link TransferException}. */
final class JverbsCall {
    private final String name;
    private final MethodHandle handle;

    /**
     * Takes a method.
     *
     * @param name for messages
     * @param method the method; of an object, with that object first
     */
    JverbsCall(String name, MethodHandle method) {
        this.name = name;
        handle = method.asType(method.type().generic());
    }

    Object with() {
        try {
            return (Object) handle.invokeExact();
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    Object with(Object first) {
        try {
            return (Object) handle.invokeExact(first);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    Object with(Object first, Object second) {
        try {
            return (Object) handle.invokeExact(first, second);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    Object with(Object first, Object second, Object third) {
        try {
            return (Object) handle.invokeExact(first, second, third);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    Object with(Object first, Object second, Object third, Object fourth) {
        try {
            return (Object) handle.invokeExact(first, second, third, fourth);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    int number(Object of) {
        return (int) with(of);
    }

    private RuntimeException failure(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        if (e instanceof TransferException known) {
            return known;
        }
        return new TransferException(
                ErrorCode.LANE_LOST, "jVerbs failed in " + name + ": " + e.getMessage(), e);
    }
}
