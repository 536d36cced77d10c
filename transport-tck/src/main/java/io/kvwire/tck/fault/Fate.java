package io.kvwire.tck.fault;

import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.LongAdder;

/** Decides by a seed what is hit, and counts it. Thread-safe. */
final class Fate {
    private final Random random;
    private final Map<Fault, LongAdder> counts = new EnumMap<>(Fault.class);
    private volatile FaultPlan plan = FaultPlan.NONE;

    Fate(long seed) {
        random = new Random(seed);
        for (var fault : Fault.values()) {
            counts.put(fault, new LongAdder());
        }
    }

    void use(FaultPlan next) {
        plan = next;
    }

    boolean strikes(Fault fault) {
        double share = plan.share(fault);
        boolean strikes = share > 0 && random.nextDouble() < share;
        if (strikes) {
            counts.get(fault).increment();
        }
        return strikes;
    }

    long delayNanos() {
        return random.nextLong(plan.longestDelay().toNanos()) + 1;
    }

    long below(long bound) {
        return random.nextLong(bound);
    }

    long count(Fault fault) {
        return counts.get(fault).sum();
    }
}
