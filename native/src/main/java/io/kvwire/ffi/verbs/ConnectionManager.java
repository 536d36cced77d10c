package io.kvwire.ffi.verbs;

import io.kvwire.ffi.NativeLibrary;

/**
 * librdmacm on this host: whether it is there.
 *
 * <p>Opened at first use. The system property {@value #LIBRARY_PROPERTY} names another file than
 * {@value #LIBRARY_NAME}, for hosts that keep it outside the loader's path. Connections are made by
 * {@link ConnectionEvents} and {@link Connection}.
 *
 * <p>Thread-safe.
 */
public final class ConnectionManager {

    /** Name of the system property that names the library's file. */
    public static final String LIBRARY_PROPERTY = "kvwire.rdmacm.library";

    /** The library's file where the property is not set. */
    public static final String LIBRARY_NAME = "librdmacm.so.1";

    private ConnectionManager() {}

    /** Opens the library when it is first asked for. */
    private static final class Opened {
        static final NativeLibrary RDMACM =
                NativeLibrary.open(System.getProperty(LIBRARY_PROPERTY, LIBRARY_NAME));
    }

    static NativeLibrary rdmacm() {
        return Opened.RDMACM;
    }

    /** {@return whether the library could be opened, and is new enough} */
    public static boolean isPresent() {
        return reason().isEmpty();
    }

    /** {@return why the library cannot be used and what to do; empty when it can} */
    public static String reason() {
        if (!rdmacm().isPresent()) {
            return rdmacm().reason() + ". Install librdmacm (Debian, Ubuntu: librdmacm1)";
        }
        return rdmacm().has("rdma_establish")
                ? ""
                : LIBRARY_NAME + " has no rdma_establish: install rdma-core 22 or newer";
    }
}
