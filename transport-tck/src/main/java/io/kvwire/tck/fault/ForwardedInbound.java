package io.kvwire.tck.fault;

import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.RunCursor;

/** An arriving frame that does as another does; what is to go wrong is overridden. */
public abstract class ForwardedInbound implements InboundFrame {
    /** The other. */
    protected final InboundFrame frame;

    /**
     * Stands before a frame.
     *
     * @param frame the real one
     */
    protected ForwardedInbound(InboundFrame frame) {
        this.frame = frame;
    }

    @Override
    public RunCursor target() {
        return frame.target();
    }

    @Override
    public boolean direct(DeviceMemory device) {
        return frame.direct(device);
    }

    @Override
    public boolean revoked() {
        return frame.revoked();
    }

    @Override
    public void complete(long copiedBytes, long scatterNanos) {
        frame.complete(copiedBytes, scatterNanos);
    }

    @Override
    public void abort() {
        frame.abort();
    }
}
