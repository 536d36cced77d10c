package io.kvwire.codec;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.Rows;
import io.kvwire.codec.rows.ScalarRowKernels;

import java.util.ArrayList;
import java.util.List;

/**
 * The kernels on the Vector API once they are compiled for a kind of rows, and the scalar ones
 * until then, see {@link KernelWarmUp}. Both give the same bits. Confined to one thread.
 */
final class WarmingKernels implements RowKernels {
    private final RowKernels scalar = new ScalarRowKernels();
    private final RowKernels vector;
    private final KernelWarmUp warmUp;

    // The few kinds that this codec has met; the last one first to be looked at.
    private final List<KernelWarmUp.Kind> met = new ArrayList<>();
    private KernelWarmUp.Kind last;

    /**
     * Makes kernels.
     *
     * @param vector on the Vector API
     * @param warmUp runs others of that kind until they are compiled
     */
    WarmingKernels(RowKernels vector, KernelWarmUp warmUp) {
        this.vector = vector;
        this.warmUp = warmUp;
    }

    @Override
    public String name() {
        return vector.name();
    }

    @Override
    public int encode(Rows rows) {
        return kind(rows).compiled() ? vector.encode(rows) : scalar.encode(rows);
    }

    @Override
    public void decode(Rows rows) {
        if (kind(rows).compiled()) {
            vector.decode(rows);
        } else {
            scalar.decode(rows);
        }
    }

    @Override
    public boolean settled() {
        return met.stream().allMatch(KernelWarmUp.Kind::compiled);
    }

    private KernelWarmUp.Kind kind(Rows rows) {
        if (last == null || !last.isOf(rows)) {
            last = find(rows);
        }
        return last;
    }

    private KernelWarmUp.Kind find(Rows rows) {
        for (int i = 0; i < met.size(); i++) {
            if (met.get(i).isOf(rows)) {
                return met.get(i);
            }
        }
        var kind = warmUp.kind(rows);
        met.add(kind);
        return kind;
    }
}
