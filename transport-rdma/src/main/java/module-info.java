/** The RDMA data path. */
module io.kvwire.rdma {
    requires transitive io.kvwire.transport;
    requires io.kvwire.ffi;
    requires org.jctools.core;

    provides io.kvwire.transport.spi.DataPathProvider with
            io.kvwire.rdma.RdmaDataPathProvider;
}
