package io.kvwire.tck;

import io.kvwire.tck.codec.CodecTap;
import io.kvwire.tck.codec.ScrambleCodec;
import io.kvwire.tck.codec.ScrambleProvider;
import io.kvwire.transport.CodecConfig;

import org.junit.jupiter.api.BeforeEach;

/** What groups share that need a codec between the blocks and the wire, and a tap on it. */
abstract class CodedContract extends WireContract {
    static final CodecConfig SCRAMBLE = CodecConfig.of(ScrambleCodec.NAME);

    final CodecTap tap = new CodecTap();

    @Override
    @BeforeEach
    void openRig() {
        rig = new Rig(new CodedWire(wire(), new ScrambleProvider(tap), SCRAMBLE), seed);
    }

    Pair pair() {
        return new Pair(rig, Pair.Shape.of(Layouts.WIDE, 8));
    }
}
