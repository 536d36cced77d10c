package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/**
 * The payload of a frame on its way in while it waits in staging: to be decoded, or for the device
 * that it goes to. Reused; confined to one thread at a time.
 */
final class StagedPayload {
    private final Metrics metrics;
    private final SingleRun run = new SingleRun();
    private Coding coding;
    private Staging.Slot slot;
    private Slab slab;
    private long bytes;

    StagedPayload(Metrics metrics) {
        this.metrics = metrics;
    }

    /** What a codec has refused, as opposed to what a device could not do. */
    static final class BadFrameException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BadFrameException(TransferException cause) {
            super(cause.getMessage(), cause, false, false);
        }
    }

    /** Takes room for so many bytes of a slab. */
    void take(Coding agreed, Slab of, long payloadBytes) {
        take(agreed, payloadBytes);
        slab = of;
    }

    /** Takes room for so many bytes that go no further. */
    void take(Coding agreed, long payloadBytes) {
        if (!agreed.incoming().room(payloadBytes)) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "more bytes have come for staging than the window allows: decoding, or the"
                            + " device, is behind");
        }
        coding = agreed;
        bytes = payloadBytes;
        slot = agreed.incoming().take(payloadBytes);
    }

    /** Whether there is one. */
    boolean taken() {
        return slot != null;
    }

    Slab slab() {
        return slab;
    }

    /** All of it, from its beginning. */
    SingleRun run() {
        run.start(slot.memory(), slot.offset(), bytes);
        return run;
    }

    /** Gives the room back, if some was taken. */
    void leave() {
        if (slot != null) {
            coding.incoming().give(slot);
            slot = null;
        }
    }

    /** Brings it to a device as it is. */
    void scatter(DeviceMemory device, RunCursor to) {
        device.scatter(slot.part(bytes), to);
        metrics.bytesToDevices.add(bytes);
    }

    /** Brings what it encodes to memory of the host. */
    void decode(RunCursor to) {
        var codec = coding.take();
        try {
            codec.decode(slot.part(bytes), slab, to);
        } catch (TransferException e) {
            throw new BadFrameException(e);
        } finally {
            coding.give(codec);
        }
    }

    /**
     * Brings what it encodes to a device: decoded there, where it can do that, else on the host,
     * and a second slot holds the values meanwhile.
     *
     * @param values where they belong, for a device that decodes
     * @param to the same, for one that does not
     * @param rawBytes of the values
     */
    void decode(DeviceMemory device, Supplier<PagedSlab> values, RunCursor to, long rawBytes) {
        var form = codesFor(device);
        if (form.byteSize() > 0) {
            device.quantisedRows().orElseThrow().dequantise(form, values.get());
            metrics.bytesToDevices.add(form.byteSize());
            return;
        }
        var raw = coding.incoming().take(rawBytes);
        try {
            run.start(raw.memory(), raw.offset(), rawBytes);
            decode(run);
            device.scatter(raw.part(rawBytes), to);
            metrics.bytesToDevices.add(rawBytes);
        } finally {
            coding.incoming().give(raw);
        }
    }

    /** What of the frame the device needs to make the values; nothing when the host makes them. */
    private MemorySegment codesFor(DeviceMemory device) {
        var codec = coding.take();
        try {
            return DeviceCoding.open(codec, slab, device, slot.part(slot.bytes()), bytes);
        } catch (TransferException e) {
            throw new BadFrameException(e);
        } finally {
            coding.give(codec);
        }
    }
}
