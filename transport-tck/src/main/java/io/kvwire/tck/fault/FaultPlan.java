package io.kvwire.tck.fault;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * How often each fault strikes. Immutable.
 *
 * @param shares the probability of each fault for one frame or message, from 0 to 1; 0 where absent
 * @param longestDelay of what is late; delays are uniform from zero
 */
public record FaultPlan(Map<Fault, Double> shares, Duration longestDelay) {
    /** Nothing goes wrong. */
    public static final FaultPlan NONE = new FaultPlan(Map.of(), Duration.ofMillis(5));

    /** Copies the shares and checks that each is a probability. */
    public FaultPlan {
        shares = Map.copyOf(shares);
        shares.forEach((fault, share) -> {
            if (!(share >= 0 && share <= 1)) {
                throw new IllegalArgumentException(
                        "share of " + fault + " is " + share + ": need 0 to 1");
            }
        });
        if (longestDelay.isNegative() || longestDelay.isZero()) {
            throw new IllegalArgumentException("longestDelay must be more than zero");
        }
    }

    /**
     * {@return this plan with another share of one fault}
     *
     * @param fault which
     * @param share its probability for one frame or message, from 0 to 1
     */
    public FaultPlan with(Fault fault, double share) {
        var changed = new EnumMap<Fault, Double>(Fault.class);
        changed.putAll(shares);
        changed.put(fault, share);
        return new FaultPlan(changed, longestDelay);
    }

    /**
     * {@return this plan with another bound on delays}
     *
     * @param longest more than zero
     */
    public FaultPlan withLongestDelay(Duration longest) {
        return new FaultPlan(shares, longest);
    }

    double share(Fault fault) {
        return shares.getOrDefault(fault, 0.0);
    }
}
