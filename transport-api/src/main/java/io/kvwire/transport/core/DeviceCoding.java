package io.kvwire.transport.core;

import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * Frames of a codec around codes that the device makes and places on which the blocks lie, so that
 * codes alone cross between it and the host. Where device or codec offers none of that, the caller
 * gathers, or scatters, and the host codes. Stateless.
 */
final class DeviceCoding {
    private DeviceCoding() {}

    /** Why the host codes the frames of a layer; empty when the device does. */
    private static Optional<String> refusal(
            KvCodec codec, DeviceMemory device, KvLayout layout, int layer) {
        if (device.quantisedRows().isEmpty()) {
            return Optional.of("the device makes no codes by itself");
        }
        return codec.codedFrames()
                .map(frames -> frames.refusal(layout, layer))
                .orElseGet(() -> Optional.of("codec '" + codec.name() + "' is of the host"));
    }

    /** Who codes the blocks of each cache on a device, and why where it is the host. */
    static Optional<String> describe(Coding coding, Collection<PagedCache> caches) {
        var text = new StringJoiner("; ").setEmptyValue("");
        for (var cache : caches) {
            if (cache.device().isPresent()) {
                text.add(
                        "cache '%s' on %s: %s"
                                .formatted(
                                        cache.name(),
                                        cache.device().get().device(),
                                        coder(coding, cache.device().get(), cache.layout())));
            }
        }
        return text.length() == 0 ? Optional.empty() : Optional.of(text.toString());
    }

    private static String coder(Coding coding, DeviceMemory device, KvLayout layout) {
        var codec = coding.take();
        try {
            var reason = Optional.<String>empty();
            for (int layer = layout.layers() - 1; layer >= 0; layer--) {
                reason = refusal(codec, device, layout, layer);
                if (reason.isEmpty()) {
                    return "codes are made on the device";
                }
            }
            return "codes are made by the host, for " + reason.orElseThrow();
        } finally {
            coding.give(codec);
        }
    }

    /** Whether the device makes the codes of a slab's frame. */
    static boolean possible(KvCodec codec, Slab slab, DeviceMemory device) {
        var frames = codec.codedFrames();
        return device.quantisedRows().isPresent()
                && frames.isPresent()
                && frames.get().refusal(slab.layout(), slab.layer()).isEmpty();
    }

    /**
     * Where the values of a slab lie, tokens counted from another than the request's token 0.
     *
     * @param first the slab's first token, counted so
     * @param table from the block that tokens are counted from
     */
    static PagedSlab paged(
            Slab slab, int first, KvLayout cache, LayerPlacement placement, int... table) {
        var tokens = new TokenRange(first, slab.tokens().count());
        var here =
                new Slab(
                        slab.id(),
                        slab.layout(),
                        slab.layer(),
                        tokens,
                        slab.firstHead(),
                        slab.heads());
        return new PagedSlab(here, cache, placement, table);
    }

    /**
     * Finds codes for a device in a frame that has come, after checking all of it.
     *
     * @param memory begins with the frame
     * @return the coded form; of no bytes when the host has to decode the frame
     * @throws TransferException when the frame is bad
     */
    static MemorySegment open(
            KvCodec codec, Slab slab, DeviceMemory device, MemorySegment memory, long frameBytes) {
        var frames = codec.codedFrames();
        if (device.quantisedRows().isEmpty() || frames.isEmpty()) {
            return MemorySegment.NULL;
        }
        long formBytes = frames.get().open(memory, frameBytes, slab);
        return formBytes == 0
                ? MemorySegment.NULL
                : memory.asSlice(frames.get().formAt(), formBytes);
    }
}
