package io.kvwire.codec;

import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;

/** Makes the codec {@code raw}, whose frames hold the bits of the cache as they are. */
public final class RawCodecProvider implements KvCodecProvider {
    private static final int RANK = 100;

    /** Made by ServiceLoader. */
    public RawCodecProvider() {}

    @Override
    public String name() {
        return RawCodec.NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public KvCodec create(KvModel model) {
        return new RawCodec(model);
    }
}
