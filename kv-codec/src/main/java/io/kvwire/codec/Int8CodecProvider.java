package io.kvwire.codec;

import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;

/** Makes the codec {@code int8}, see {@link Int8Codec}. */
public final class Int8CodecProvider implements KvCodecProvider {
    private static final int RANK = 200;

    /** Made by ServiceLoader. */
    public Int8CodecProvider() {}

    @Override
    public String name() {
        return Int8Codec.NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public KvCodec create(KvModel model) {
        return new Int8Codec(model);
    }

    /** Options are those of {@link Int8Options#parse}. */
    @Override
    public KvCodec create(KvModel model, String options) {
        return new Int8Codec(model, Int8Options.parse(options));
    }
}
