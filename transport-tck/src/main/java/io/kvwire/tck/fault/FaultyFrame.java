package io.kvwire.tck.fault;

import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A frame that stalls, or whose payload is spoiled before it is counted. */
final class FaultyFrame extends ForwardedInbound implements RunCursor {
    private final NodeFaults faults;
    private final Runnable repeat;
    private RunCursor runs;
    private int run;

    FaultyFrame(InboundFrame frame, NodeFaults faults, Runnable repeat) {
        super(frame);
        this.faults = faults;
        this.repeat = repeat;
    }

    @Override
    public RunCursor target() {
        runs = frame.target();
        return this;
    }

    @Override
    public void complete(long copiedBytes, long scatterNanos) {
        if (run > 0 && !frame.revoked() && faults.fate().strikes(Fault.CORRUPT_FRAME)) {
            long at = runs.offset() + faults.fate().below(runs.length());
            byte was = runs.segment().get(ValueLayout.JAVA_BYTE, at);
            runs.segment().set(ValueLayout.JAVA_BYTE, at, (byte) ~was);
        }
        faults.stalls().at(StallPoint.BEFORE_COMPLETION);
        frame.complete(copiedBytes, scatterNanos);
        repeat.run();
    }

    @Override
    public boolean next() {
        if (run == 1) {
            faults.stalls().at(StallPoint.AFTER_FIRST_RUN);
        }
        boolean more = runs.next();
        if (more) {
            run++;
        }
        return more;
    }

    @Override
    public MemorySegment segment() {
        return runs.segment();
    }

    @Override
    public long offset() {
        return runs.offset();
    }

    @Override
    public long length() {
        return runs.length();
    }
}
