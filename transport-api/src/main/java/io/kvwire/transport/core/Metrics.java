package io.kvwire.transport.core;

import io.kvwire.transport.CodecDecision;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.MetricsSnapshot;
import io.kvwire.transport.TransferOutcome;
import io.kvwire.transport.TransferTiming;

import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** The counters of a node. */
final class Metrics {
    final LongAdder blocksPinned = new LongAdder();
    final LongAdder bytesSent = new LongAdder();
    final LongAdder bytesReceived = new LongAdder();
    final LongAdder bytesInPlace = new LongAdder();
    final LongAdder bytesGathered = new LongAdder();
    final LongAdder bytesFromDevices = new LongAdder();
    final LongAdder bytesToDevices = new LongAdder();
    final LongAdder bytesEncoded = new LongAdder();
    final LongAdder bytesDecoded = new LongAdder();
    final LongAdder stagingWaits = new LongAdder();
    final LongAdder bytesDropped = new LongAdder();
    final LongAdder framesSent = new LongAdder();
    final LongAdder framesReceived = new LongAdder();
    final LongAdder framesRefused = new LongAdder();
    final LongAdder descriptors = new LongAdder();
    final LongAdder creditWaits = new LongAdder();
    final LongAdder duplicates = new LongAdder();
    final LongAdder active = new LongAdder();
    private final LongAdder done = new LongAdder();
    private final LongAdder cancelled = new LongAdder();
    private final Map<ErrorCode, LongAdder> failed = new EnumMap<>(ErrorCode.class);
    private final Map<String, LongAdder> codecs = new ConcurrentHashMap<>();
    private final Map<String, Durations> phases = new TreeMap<>();

    /** Counts of durations by power of two. */
    private static final class Durations {
        final AtomicLongArray counts = new AtomicLongArray(64);
        final LongAdder sum = new LongAdder();

        void record(long nanos) {
            counts.incrementAndGet(63 - Long.numberOfLeadingZeros(Math.max(1, nanos)));
            sum.add(nanos);
        }

        MetricsSnapshot.Histogram snapshot() {
            long[] copy = new long[64];
            for (int i = 0; i < copy.length; i++) {
                copy[i] = counts.get(i);
            }
            return new MetricsSnapshot.Histogram(copy, sum.sum());
        }
    }

    Metrics() {
        for (var code : ErrorCode.values()) {
            failed.put(code, new LongAdder());
        }
        for (var phase : new String[] {"queue", "encode", "wire", "decode", "scatter", "total"}) {
            phases.put(phase, new Durations());
        }
    }

    /** Counts a transfer of blocks by the codec that it goes in. */
    void sends(CodecDecision decision) {
        codecs.computeIfAbsent(decision.codec(), key -> new LongAdder()).increment();
    }

    void ended(TransferOutcome outcome, TransferTiming timing) {
        switch (outcome) {
            case TransferOutcome.Done ignored -> done.increment();
            case TransferOutcome.Failed failure -> failed.get(failure.code()).increment();
            case TransferOutcome.Cancelled ignored -> cancelled.increment();
        }
        phases.get("queue").record(timing.queueNanos());
        phases.get("encode").record(timing.encodeNanos());
        phases.get("wire").record(timing.wireNanos());
        phases.get("decode").record(timing.decodeNanos());
        phases.get("scatter").record(timing.scatterNanos());
        phases.get("total").record(timing.totalNanos());
    }

    MetricsSnapshot snapshot(int leases, int views, int peers) {
        var failures = new EnumMap<ErrorCode, Long>(ErrorCode.class);
        failed.forEach((code, count) -> {
            if (count.sum() != 0) {
                failures.put(code, count.sum());
            }
        });
        var histograms = new TreeMap<String, MetricsSnapshot.Histogram>();
        phases.forEach((phase, durations) -> histograms.put(phase, durations.snapshot()));
        var byCodec = new TreeMap<String, Long>();
        codecs.forEach((codec, count) -> byCodec.put(codec, count.sum()));
        return new MetricsSnapshot(
                done.sum(),
                failures,
                cancelled.sum(),
                bytesSent.sum(),
                bytesReceived.sum(),
                bytesInPlace.sum(),
                bytesGathered.sum(),
                bytesFromDevices.sum(),
                bytesToDevices.sum(),
                bytesEncoded.sum(),
                bytesDecoded.sum(),
                bytesDropped.sum(),
                framesSent.sum(),
                framesReceived.sum(),
                framesRefused.sum(),
                descriptors.sum(),
                creditWaits.sum(),
                stagingWaits.sum(),
                duplicates.sum(),
                active.intValue(),
                blocksPinned.sum(),
                leases,
                views,
                byCodec,
                peers,
                histograms);
    }
}
