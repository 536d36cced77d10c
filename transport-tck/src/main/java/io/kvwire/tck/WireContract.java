package io.kvwire.tck;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.Random;

/**
 * What all groups of the suite share: a wire, a seed, and after each test the check that nothing
 * has leaked. Extended by the groups; a wire extends {@link WireConformance} or single groups.
 *
 * <p>Every test draws a seed, which is in the message of its failure; the system property {@value
 * #SEED} sets it.
 */
@ExtendWith(SeedReport.class)
@Timeout(WireContract.TEST_SECONDS)
public abstract class WireContract {
    /** System property that replays a seed. */
    public static final String SEED = "kvwire.tck.seed";

    static final int TEST_SECONDS = 90;

    final long seed = Long.getLong(SEED, new Random().nextInt(Integer.MAX_VALUE));
    final Random random = new Random(seed);
    Rig rig;

    /** For subclasses. */
    protected WireContract() {}

    /** {@return a new wire to test, closed after the test} */
    protected abstract WireUnderTest wire();

    @BeforeEach
    void openRig() {
        rig = new Rig(wire(), seed);
    }

    @AfterEach
    void closeRigAndCheckForLeaks() {
        rig.close();
    }

    /** Skips the test when it shows nothing with a codec. */
    final void needsRawBlocks() {
        Assumptions.assumeTrue(
                rig.wire().codec().equals("raw"),
                () -> "blocks go through the codec " + rig.wire().codec());
    }

    /** Skips the test when blocks are memory of a device, so that the wire sees staging alone. */
    final void needsBlocksInPlace() {
        Assumptions.assumeTrue(
                rig.wire().device().isEmpty(),
                () -> "blocks are memory of " + rig.wire().device().orElseThrow().device());
    }

    /** Skips the test when the wire cannot do what it needs. */
    final void needs(WireUnderTest.Trait trait) {
        Assumptions.assumeTrue(
                rig.wire().traits().contains(trait),
                () -> "the wire '" + rig.wire().path() + "' has not the trait " + trait);
    }
}
