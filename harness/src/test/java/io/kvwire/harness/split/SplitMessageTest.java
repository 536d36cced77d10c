package io.kvwire.harness.split;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferTrace.Interval;
import io.kvwire.transport.TransferTrace.Stage;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

class SplitMessageTest {
    static Stream<SplitMessage> messages() {
        var table = BlockTable.of(77, new int[] {3, 1, 2}, new int[] {9, 8, 7});
        var text = SplitMessage.text(table);
        return Stream.of(
                new SplitMessage.Prefill(
                        1, TransferMode.LAYERWISE, "abc", List.of(5, 6, 7), text, "file", true),
                new SplitMessage.Finished(2, 11, 10, 12, List.of(13L, 14L), 15, 16, 17, text),
                new SplitMessage.Failed(3, ErrorCode.REFUSED, "why \"and\" how"),
                new SplitMessage.Stages(
                        4, List.of(new Interval(Stage.ENCODE, 1, 2, 3, 4, Long.MAX_VALUE, 6))),
                new SplitMessage.Delivered(4, 99, new Choices("int8", "a", "bulk", "b")),
                new SplitMessage.Pulled(Long.MIN_VALUE),
                new SplitMessage.Clock(5, -1, Long.MAX_VALUE));
    }

    @ParameterizedTest
    @MethodSource("messages")
    void aMessageArrivesAsItWasSent(SplitMessage message) {
        assertEquals(message, SplitMessage.decode(message.encode()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{}",
                "{\"type\":\"nothing\"}",
                "{\"type\":\"prefill\",\"requestId\":1}",
                "{\"type\":\"finished\",\"requestId\":1,\"unitNanos\":[null]}",
                "{\"type\":\"stages\",\"requestId\":1}",
                "{\"type\":\"stages\",\"requestId\":1,\"intervals\":[{\"stage\":\"X\"}]}",
                "{\"type\":\"delivered\",\"requestId\":1,\"choices\":null}",
                "{\"type\":\"pulled\",\"requestId\":\"x\"}",
                "\u0000\u0001"
            })
    void whatIsNoMessageIsRefused(String text) {
        var refused =
                assertThrows(
                        TransferException.class,
                        () -> SplitMessage.decode(text.getBytes(StandardCharsets.UTF_8)));
        assertEquals(ErrorCode.MALFORMED, refused.code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "!", "AAAA"})
    void whatIsNoBlockTableIsRefused(String text) {
        var refused = assertThrows(TransferException.class, () -> SplitMessage.table(text));
        assertEquals(ErrorCode.MALFORMED, refused.code());
    }
}
