package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvReception;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferTrace;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** Counts the bytes of one expected request, layer by layer. */
final class Reception implements KvReception {
    private final LocalNode node;
    private final long requestId;
    private final PagedCache cache;
    private final BlockTable table;
    private final TokenRange tokens;
    private final long layerBytes;
    private final AtomicLongArray counted;
    private final AtomicLongArray completedNanos;
    private final AtomicLong received = new AtomicLong();
    private final AtomicInteger openLayers;
    private volatile TraceLog trace;
    private final CompletableFuture<?>[] layers;
    private final CompletableFuture<Void> completion = new CompletableFuture<>();

    Reception(
            LocalNode node, long requestId, PagedCache cache, BlockTable table, TokenRange tokens) {
        this.node = node;
        this.requestId = requestId;
        this.cache = cache;
        this.table = table;
        this.tokens = tokens;
        layerBytes = cache.layout().tokenBytes() * tokens.count();
        int count = cache.layout().layers();
        counted = new AtomicLongArray(count);
        completedNanos = new AtomicLongArray(count);
        openLayers = new AtomicInteger(count);
        layers = new CompletableFuture<?>[count];
        for (int i = 0; i < count; i++) {
            layers[i] = new CompletableFuture<Void>();
        }
        if (layerBytes == 0) {
            for (int i = 0; i < count; i++) {
                publish(i);
            }
        }
    }

    /** Whether a frame for some tokens of the request goes where this reception expects it. */
    boolean expects(PagedCache target, TokenRange range, int[] ids) {
        if (target != cache || !tokens.contains(range)) {
            return false;
        }
        int first = range.first() / cache.layout().tokensPerBlock();
        int count =
                cache.layout()
                        .blocksFor(range.first() % cache.layout().tokensPerBlock() + range.count());
        for (int i = 0; i < count; i++) {
            if (table.id(first + i) != ids[i]) {
                return false;
            }
        }
        return true;
    }

    /** Counts bytes that are in place; publishes the layer when it is whole. */
    void placed(int layer, long bytes) {
        received.addAndGet(bytes);
        long now = counted.addAndGet(layer, bytes);
        if (now == layerBytes) {
            publish(layer);
        } else if (now > layerBytes) {
            fail(
                    new TransferException(
                            ErrorCode.MALFORMED,
                            "request "
                                    + requestId
                                    + ": more bytes than layer "
                                    + layer
                                    + " has ("
                                    + now
                                    + " of "
                                    + layerBytes
                                    + "): two senders wrote the same tokens and heads"));
        }
    }

    @SuppressWarnings("unchecked")
    private void publish(int layer) {
        completedNanos.set(layer, System.nanoTime());
        ((CompletableFuture<Void>) layers[layer]).complete(null);
        if (openLayers.decrementAndGet() == 0) {
            node.forget(this);
            completion.complete(null);
        }
    }

    void fail(TransferException reason) {
        node.forget(this);
        for (var layer : layers) {
            layer.completeExceptionally(reason);
        }
        completion.completeExceptionally(reason);
    }

    /** Where the stages of frames are recorded; null without a trace. */
    TraceLog traceLog() {
        return trace;
    }

    @Override
    public KvReception traced() {
        trace = new TraceLog();
        return this;
    }

    @Override
    public TransferTrace trace() {
        var log = trace;
        return log == null ? TransferTrace.NONE : log.snapshot();
    }

    @Override
    public long requestId() {
        return requestId;
    }

    @Override
    @SuppressWarnings("unchecked")
    public CompletableFuture<Void> layer(int layer) {
        return ((CompletableFuture<Void>) layers[layer]).copy();
    }

    @Override
    public CompletableFuture<Void> completion() {
        return completion.copy();
    }

    @Override
    public long receivedBytes() {
        return received.get();
    }

    @Override
    public long[] layerNanos() {
        long[] copy = new long[layers.length];
        for (int i = 0; i < copy.length; i++) {
            copy[i] = completedNanos.get(i);
        }
        return copy;
    }

    @Override
    public void join(Duration timeout) {
        try {
            completion.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new TransferException(
                    ErrorCode.DEADLINE_EXCEEDED,
                    "request "
                            + requestId
                            + ": "
                            + received.get()
                            + " of "
                            + layerBytes * layers.length
                            + " bytes after "
                            + timeout,
                    e);
        } catch (ExecutionException e) {
            throw rethrow(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(
                    ErrorCode.CANCELLED, "interrupted while waiting for request " + requestId, e);
        }
    }

    private static RuntimeException rethrow(Throwable cause) {
        return cause instanceof TransferException known
                ? new TransferException(known.code(), known.getMessage(), known)
                : new CompletionException(cause);
    }

    @Override
    public void close() {
        fail(
                new TransferException(
                        ErrorCode.CLOSED, "request " + requestId + " is no longer expected"));
    }
}
