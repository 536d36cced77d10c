package io.kvwire.pcie.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** On a GPU where there is one, else on the simulated driver. */
class LayerEventsTest {
    private static final int LAYERS = 32;
    private static final int LAYER_BYTES = 4 << 20;

    private Context context;

    @BeforeEach
    void open() {
        context = TestDriver.open();
    }

    @AfterEach
    void close() {
        if (context != null) {
            context.close();
        }
    }

    /** What the listener reads of each layer is what the stream wrote, while it goes on. */
    @Test
    void aLayerIsReadyWhenItsWorkIsDoneAndNotBefore() {
        var heard = Collections.synchronizedList(new ArrayList<Integer>());
        var wrong = Collections.synchronizedList(new ArrayList<Integer>());
        var failures = Collections.synchronizedList(new ArrayList<TransferException>());
        try (var compute = context.stream();
                var copies = context.urgentStream();
                var cache = context.allocate((long) LAYERS * LAYER_BYTES);
                var arena = Arena.ofShared()) {
            var last = arena.allocate(1);
            try (var ready =
                    new LayerEvents(
                            context,
                            layer -> {
                                long end = cache.address() + (layer + 1L) * LAYER_BYTES - 1;
                                copies.copyToHost(end, last);
                                copies.synchronize();
                                if (last.get(ValueLayout.JAVA_BYTE, 0) != layer + 1) {
                                    wrong.add(layer);
                                }
                                heard.add(layer);
                            },
                            failures::add)) {
                for (int request = 0; request < 3; request++) {
                    compute.fill(cache.address(), (byte) 0, cache.bytes());
                    for (int layer = 0; layer < LAYERS; layer++) {
                        long start = cache.address() + (long) layer * LAYER_BYTES;
                        compute.fill(start, (byte) (layer + 1), LAYER_BYTES);
                        ready.mark(layer, compute);
                    }
                    ready.await();
                    assertEquals(IntStream.range(0, LAYERS).boxed().toList(), heard);
                    heard.clear();
                }
            }
        }
        assertEquals(List.of(), wrong);
        assertEquals(List.of(), failures);
    }

    @Test
    void whatTheListenerThrowsEndsTheWatchAndIsToldOnce() {
        var failures = Collections.synchronizedList(new ArrayList<TransferException>());
        try (var compute = context.stream();
                var ready =
                        new LayerEvents(
                                context,
                                _ -> {
                                    throw new IllegalStateException("the peer is gone");
                                },
                                failures::add)) {
            ready.mark(0, compute);
            ready.await();
            var refused = assertThrows(TransferException.class, () -> ready.mark(1, compute));
            assertEquals(ErrorCode.CLOSED, refused.code());
        }
        assertEquals(1, failures.size());
        assertTrue(failures.getFirst().getCause().getMessage().contains("the peer is gone"));
    }
}
