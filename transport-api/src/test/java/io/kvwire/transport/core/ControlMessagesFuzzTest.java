package io.kvwire.transport.core;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Limits;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;

class ControlMessagesFuzzTest {
    /** Every decoder of the control channel reads its bytes or refuses them as malformed. */
    @FuzzTest(maxDuration = "10s")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        if (bytes.length == 0) {
            return;
        }
        var in = new MessageReader(ByteBuffer.wrap(bytes, 1, bytes.length - 1));
        try {
            switch (bytes[0] & 3) {
                case 0 -> Hello.decode(in, Limits.DEFAULT);
                case 1 -> ControlMessages.ReadBlocks.decode(in);
                case 2 -> ControlMessages.ReadRanges.decode(in);
                default -> BlockTable.decode(in.bytes(Integer.MAX_VALUE));
            }
        } catch (TransferException e) {
            if (e.code() != ErrorCode.MALFORMED) {
                throw e;
            }
        }
    }
}
