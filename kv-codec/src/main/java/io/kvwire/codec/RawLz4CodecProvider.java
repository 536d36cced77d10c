package io.kvwire.codec;

import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;

/** Makes the codec {@code raw+lz4}, see {@link RawLz4Codec}. */
public final class RawLz4CodecProvider implements KvCodecProvider {
    private static final int RANK = 150;

    /** Made by ServiceLoader. */
    public RawLz4CodecProvider() {}

    @Override
    public String name() {
        return RawLz4Codec.NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public KvCodec create(KvModel model) {
        return new RawLz4Codec(model);
    }
}
