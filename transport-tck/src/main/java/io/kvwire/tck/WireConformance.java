package io.kvwire.tck;

import org.junit.jupiter.api.Nested;

/**
 * The whole suite for one wire: extend it and give a factory.
 *
 * {@snippet :
 * class TcpConformanceTest extends WireConformance {
 *     protected WireUnderTest wire() {
 *         return new TcpWire();
 *     }
 * }
 * }
 *
 * <p>For one group alone, extend its class in the same way.
 */
public abstract class WireConformance {
    /** For subclasses. */
    protected WireConformance() {}

    /** {@return a new wire to test, closed after the test; called once for each test} */
    protected abstract WireUnderTest wire();

    @Nested
    class Transfers extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Ranges extends RangeContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Layouts extends LayoutContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Scales extends ScaleContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class TensorParallel extends TensorParallelContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Streams extends StreamContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Notifications extends NotificationContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Staleness extends StalenessContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Bounds extends BoundsContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Callbacks extends CallbackContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Cancellation extends CancellationContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Races extends RaceContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Leases extends LeaseContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Views extends ViewContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class PeerLoss extends PeerLossContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class FlowControl extends FlowControlContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Limits extends LimitsContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Paths extends PathContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Checksums extends ChecksumContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Faults extends FaultContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Codecs extends CodecContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class CodecEdges extends CodecEdgeContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }

    @Nested
    class Lifecycle extends LifecycleContract {
        @Override
        protected WireUnderTest wire() {
            return WireConformance.this.wire();
        }
    }
}
