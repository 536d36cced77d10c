/** Block codecs: how a block of KV cache looks on the wire. */
module io.kvwire.codec {
    requires transitive io.kvwire.transport;
    requires org.lz4.java;
    requires static jdk.incubator.vector;

    exports io.kvwire.codec;

    provides io.kvwire.transport.spi.KvCodecProvider with
            io.kvwire.codec.Int8CodecProvider,
            io.kvwire.codec.Int8Lz4CodecProvider,
            io.kvwire.codec.RawCodecProvider,
            io.kvwire.codec.RawLz4CodecProvider;
}
