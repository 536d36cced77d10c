/**
 * Bindings to system libraries through the JDK's foreign function interface: RDMA verbs, devices,
 * and what processes of one Linux host share. Nothing is loaded before its first use, and a library
 * that is not there is a reason, not an error.
 */
module io.kvwire.ffi {
    requires transitive io.kvwire.transport;

    exports io.kvwire.ffi;
    exports io.kvwire.ffi.cuda;
    exports io.kvwire.ffi.kernels;
    exports io.kvwire.ffi.levelzero;
    exports io.kvwire.ffi.linux;
    exports io.kvwire.ffi.opencl;
    exports io.kvwire.ffi.verbs;
}
