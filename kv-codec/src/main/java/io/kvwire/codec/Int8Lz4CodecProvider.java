package io.kvwire.codec;

import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;

/** Makes the codec {@code int8+lz4}, see {@link Int8Codec#compressed}. */
public final class Int8Lz4CodecProvider implements KvCodecProvider {
    private static final int RANK = 250;

    /** Made by ServiceLoader. */
    public Int8Lz4CodecProvider() {}

    @Override
    public String name() {
        return Int8Codec.NAME_WITH_LZ4;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public KvCodec create(KvModel model) {
        return Int8Codec.compressed(model, Int8Options.DEFAULT);
    }

    /** Options are those of {@link Int8Options#parse}. */
    @Override
    public KvCodec create(KvModel model, String options) {
        return Int8Codec.compressed(model, Int8Options.parse(options));
    }
}
