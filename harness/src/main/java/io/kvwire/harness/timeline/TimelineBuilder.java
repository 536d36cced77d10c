package io.kvwire.harness.timeline;

import io.kvwire.transport.TransferTrace.Interval;
import io.kvwire.transport.TransferTrace.Stage;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts together what the two ends of a run have recorded.
 *
 * <p>A frame may hold several units, and a unit take several frames; what a frame kept its stage
 * busy is shared among its units by their tokens. That time is found by turning the recursion of
 * {@link io.kvwire.transport.Overlap} round: of a frame that began at {@code s} and ended at {@code
 * e}, right after one that ended at {@code p}, it is {@code e - max(s, p)}. Not thread-safe.
 */
public final class TimelineBuilder {
    private final Units units;
    private final long zeroNanos;
    private final ClockOffset clock;
    private Span[] compute;
    private Span[] encode;
    private Span[] wire;
    private Span[] decode;
    private Span prefill = Span.NONE;

    /**
     * The units of a run: all layers of one chunk of the prompt after those of another.
     *
     * @param layers of the model
     * @param promptTokens all tokens
     * @param chunkTokens of each chunk but the last; 0 for one chunk
     */
    public record Units(int layers, int promptTokens, int chunkTokens) {
        /** One chunk is the whole prompt. */
        public Units {
            chunkTokens = chunkTokens < 1 ? Math.max(1, promptTokens) : chunkTokens;
        }

        /** {@return how many} */
        public int count() {
            return layers * Math.ceilDiv(promptTokens, chunkTokens);
        }

        int firstToken(int unit) {
            return unit / layers * chunkTokens;
        }

        int tokens(int unit) {
            return Math.min(chunkTokens, promptTokens - firstToken(unit));
        }
    }

    /** The tokens of a frame, which name it at both ends. */
    private record FrameName(int layer, int firstToken) {}

    /**
     * Starts without times.
     *
     * @param units of the run
     * @param zeroNanos when decode asked, on its clock
     * @param clock maps times of prefill to that clock
     */
    public TimelineBuilder(Units units, long zeroNanos, ClockOffset clock) {
        this.units = units;
        this.zeroNanos = zeroNanos;
        this.clock = clock;
        compute = none();
        encode = none();
        wire = none();
        decode = none();
    }

    private Span[] none() {
        var spans = new Span[units.count()];
        Arrays.fill(spans, Span.NONE);
        return spans;
    }

    /**
     * Takes when prefill had computed what.
     *
     * @param startNanos when it began, on its clock
     * @param readyNanos when K and V of each unit were final, since then
     * @param totalNanos when it had the first token, since then
     * @return this
     */
    public TimelineBuilder computed(long startNanos, List<Long> readyNanos, long totalNanos) {
        long start = clock.here(startNanos) - zeroNanos;
        prefill = new Span(start, start + totalNanos, totalNanos);
        if (readyNanos.size() != units.count()) {
            throw new IllegalArgumentException(
                    "times of %d units, and there are %d"
                            .formatted(readyNanos.size(), units.count()));
        }
        long before = 0;
        for (int i = 0; i < compute.length; i++) {
            long now = readyNanos.get(i);
            compute[i] = new Span(start + before, start + now, now - before);
            before = now;
        }
        return this;
    }

    /**
     * Takes the frames of a transfer.
     *
     * @param source what prefill recorded, on its clock
     * @param target what decode recorded
     * @return this
     */
    public TimelineBuilder moved(List<Interval> source, List<Interval> target) {
        encode = share(spans(source, Stage.ENCODE, clock.nanos()));
        decode = share(spans(target, Stage.DECODE, 0));
        wire = share(carried(source, target));
        return this;
    }

    /** A frame in one stage, on the clock of the timeline. */
    private record Frame(FrameName name, int tokens, long start, long end) {}

    private List<Frame> spans(List<Interval> intervals, Stage stage, long shift) {
        return intervals.stream()
                .filter(interval -> interval.stage() == stage)
                .map(interval ->
                        new Frame(
                                new FrameName(interval.layer(), interval.firstToken()),
                                interval.tokens(),
                                interval.startNanos() + shift - zeroNanos,
                                interval.endNanos() + shift - zeroNanos))
                .toList();
    }

    /** From being given to the wire at the source to the last byte at the target. */
    private List<Frame> carried(List<Interval> source, List<Interval> target) {
        Map<FrameName, Frame> frames = new HashMap<>();
        for (var frame : spans(source, Stage.WIRE, clock.nanos())) {
            frames.put(frame.name, frame);
        }
        for (var here : spans(target, Stage.WIRE, 0)) {
            frames.merge(
                    here.name,
                    here,
                    (there, same) ->
                            new Frame(
                                    here.name,
                                    here.tokens,
                                    Math.min(there.start, here.end),
                                    here.end));
        }
        return new ArrayList<>(frames.values());
    }

    private Span[] share(List<Frame> frames) {
        var spans = none();
        var inOrder = frames.stream().sorted(Comparator.comparingLong(Frame::end)).toList();
        long before = Long.MIN_VALUE;
        for (var frame : inOrder) {
            long busy = Math.max(0, frame.end - Math.max(frame.start, before));
            share(frame, busy, spans);
            before = frame.end;
        }
        return spans;
    }

    private void share(Frame frame, long busy, Span[] spans) {
        int end = frame.name.firstToken + frame.tokens;
        int chunk = frame.name.firstToken / units.chunkTokens;
        for (; chunk * units.chunkTokens < end; chunk++) {
            int unit = chunk * units.layers + frame.name.layer;
            int first = Math.max(frame.name.firstToken, units.firstToken(unit));
            int last = Math.min(end, units.firstToken(unit) + units.tokens(unit));
            long part = busy * (last - first) / frame.tokens;
            spans[unit] = spans[unit].with(new Span(frame.start, frame.end, part));
        }
    }

    /**
     * {@return the timeline}
     *
     * @param readyNanos when decode had the first token and the cache, since it asked
     * @param endNanos when it had made the last token, since it asked
     */
    public Timeline build(long readyNanos, long endNanos) {
        var times = new ArrayList<UnitTimes>();
        for (int i = 0; i < units.count(); i++) {
            times.add(
                    new UnitTimes(
                            i % units.layers,
                            units.firstToken(i),
                            units.tokens(i),
                            compute[i],
                            encode[i],
                            wire[i],
                            decode[i]));
        }
        return new Timeline(times, prefill, readyNanos, endNanos, clock.errorNanos());
    }
}
