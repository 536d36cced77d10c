package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.Event;
import io.kvwire.ffi.cuda.Kernel;
import io.kvwire.ffi.cuda.KernelModule;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.kernels.KvRuns;
import io.kvwire.pcie.lanes.Opened;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.RunCursor;

/**
 * One copy at a time within a device, or from one that it reaches: a stream, and the tables of its
 * launches. Short runs go by one launch for thousands of them, long ones and single ones as plain
 * copies. Confined to one thread at a time.
 */
final class PairLane implements AutoCloseable {
    /** From here on a copy of its own costs less than its part of a launch. */
    private static final long DIRECT_BYTES = 1L << 20;

    private final Opened opened = new Opened();
    private final Stream stream;
    private final Kernel gather;
    private final RunTable[] tables;
    private final Event ended;
    private int turn;

    // The pair at hand, which the next one may continue.
    private long from;
    private long to;
    private long length;
    private boolean alone;

    PairLane(Context context, KernelModule module) {
        try {
            gather = opened.add(module.kernel("kv_gather_runs"), Kernel::close);
            stream = opened.add(context.urgentStream(), Stream::close);
            ended = opened.add(context.event(), Event::close);
            tables = new RunTable[] {table(context), table(context)};
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    private RunTable table(Context context) {
        return opened.add(new RunTable(context), RunTable::close);
    }

    /**
     * Gives the device runs to copy to others of the same lengths in all, cut where either ends.
     */
    void start(KnownRanges known, RunCursor source, RunCursor target) {
        length = 0;
        alone = true;
        tables[turn].begin();
        try {
            walk(known, source, target);
            last();
            stream.record(ended);
        } catch (RuntimeException | Error e) {
            stream.synchronize(); // nothing goes on that touches the caller's memory
            throw e;
        }
    }

    private void walk(KnownRanges known, RunCursor source, RunCursor target) {
        long sourceAt = 0;
        long sourceLeft = 0;
        long targetAt = 0;
        long targetLeft = 0;
        while (true) {
            if (sourceLeft == 0) {
                if (!source.next()) {
                    return;
                }
                sourceLeft = source.length();
                sourceAt = known.find(source.segment(), source.offset(), sourceLeft);
            }
            if (targetLeft == 0) {
                if (!target.next()) {
                    throw new TransferException(
                            ErrorCode.OUT_OF_RANGE, "the target's runs are shorter");
                }
                targetLeft = target.length();
                targetAt = known.find(target.segment(), target.offset(), targetLeft);
            }
            long part = Math.min(sourceLeft, targetLeft);
            pair(sourceAt, targetAt, part);
            sourceAt += part;
            targetAt += part;
            sourceLeft -= part;
            targetLeft -= part;
        }
    }

    private void pair(long source, long target, long bytes) {
        if (length > 0 && source == from + length && target == to + length) {
            length += bytes;
            return;
        }
        if (length > 0) {
            alone = false;
            give();
        }
        from = source;
        to = target;
        length = bytes;
    }

    private void last() {
        if (length > 0) {
            give();
        }
        launch();
    }

    private void give() {
        if (alone || length >= DIRECT_BYTES) {
            stream.copy(from, to, length);
            return;
        }
        for (long done = 0; done < length; ) {
            if (tables[turn].isFull()) {
                launch();
            }
            int part = (int) Math.min(KvRuns.MOST_BYTES, length - done);
            tables[turn].add(from + done, to + done, part);
            done += part;
        }
    }

    private void launch() {
        if (tables[turn].count() > 0) {
            // The dense place is an address too.
            tables[turn].launch(gather, 0, stream);
            tables[turn].freeAfter(stream);
            turn = 1 - turn;
            tables[turn].begin();
        }
    }

    boolean isDone() {
        return ended.isDone();
    }

    /** Waits for the copy that was started. */
    void await() {
        ended.await();
    }

    @Override
    public void close() {
        opened.close();
    }
}
