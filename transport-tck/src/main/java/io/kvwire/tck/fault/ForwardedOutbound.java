package io.kvwire.tck.fault;

import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.nio.ByteBuffer;
import java.util.Optional;

/** A frame to send that does as another does; what is to go wrong is overridden. */
public abstract class ForwardedOutbound implements OutboundFrame {
    /** The other. */
    protected final OutboundFrame frame;

    /**
     * Stands before a frame.
     *
     * @param frame the real one
     */
    protected ForwardedOutbound(OutboundFrame frame) {
        this.frame = frame;
    }

    @Override
    public ByteBuffer header() {
        return frame.header();
    }

    @Override
    public long payloadBytes() {
        return frame.payloadBytes();
    }

    @Override
    public RunCursor payload() {
        return frame.payload();
    }

    @Override
    public Optional<DeviceMemory> device() {
        return frame.device();
    }

    @Override
    public boolean wanted() {
        return frame.wanted();
    }

    @Override
    public boolean answersRead() {
        return frame.answersRead();
    }

    @Override
    public void sending(int lane) {
        frame.sending(lane);
    }

    @Override
    public void released(boolean sent) {
        frame.released(sent);
    }
}
