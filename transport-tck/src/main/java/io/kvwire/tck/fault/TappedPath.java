package io.kvwire.tck.fault;

import io.kvwire.transport.Access;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.DeviceReach;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Function;

/** A data path with a tap in each link. */
record TappedPath(DataPath path, Function<LinkHandler, LinkTap> taps) implements DataPath {
    @Override
    public String name() {
        return path.name();
    }

    @Override
    public byte[] endpoint() {
        return path.endpoint();
    }

    @Override
    public Optional<String> unreachable(byte[] endpoint) {
        return path.unreachable(endpoint);
    }

    @Override
    public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
        return tap(setup, handler, path::connect);
    }

    @Override
    public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
        return tap(setup, handler, path::accept);
    }

    private CompletableFuture<DataLink> tap(
            LinkSetup setup,
            LinkHandler handler,
            BiFunction<LinkSetup, LinkHandler, CompletableFuture<DataLink>> opener) {
        var tap = taps.apply(handler);
        return opener.apply(setup, tap.inbound()).thenApply(tap::over);
    }

    @Override
    public void memoryAdded(MemorySegment memory, Access access) {
        path.memoryAdded(memory, access);
    }

    @Override
    public DeviceReach deviceMemoryAdded(MemorySegment memory, DeviceMemory device, Access access) {
        return path.deviceMemoryAdded(memory, device, access);
    }

    @Override
    public void memoryRemoved(MemorySegment memory) {
        path.memoryRemoved(memory);
    }

    @Override
    public void peerMemoryAdded(MemorySegment memory, DeviceMemory device) {
        path.peerMemoryAdded(memory, device);
    }

    @Override
    public CompletableFuture<Void> peerMemoryRemoved(MemorySegment memory) {
        return path.peerMemoryRemoved(memory);
    }

    @Override
    public void close() {
        path.close();
    }
}
