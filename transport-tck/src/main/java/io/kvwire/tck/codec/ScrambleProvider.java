package io.kvwire.tck.codec;

import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;

/** Makes {@link ScrambleCodec}s; given to nodes by hand, so that nobody meets it by chance. */
public final class ScrambleProvider implements KvCodecProvider {
    private final CodecTap tap;

    /**
     * Makes codecs under a tap.
     *
     * @param tap of all of them
     */
    public ScrambleProvider(CodecTap tap) {
        this.tap = tap;
    }

    @Override
    public String name() {
        return ScrambleCodec.NAME;
    }

    @Override
    public int rank() {
        return Integer.MAX_VALUE;
    }

    @Override
    public KvCodec create(KvModel model) {
        return new ScrambleCodec(model, tap);
    }
}
