package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.Lease;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.NicAccess;

import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** A registered cache: its memory, and the ledger of its blocks. */
final class PagedCache implements KvCache {
    private final LocalNode node;
    private final int id;
    private final String name;
    private final KvLayout layout;
    private final List<LayerPlacement> placement;
    private final BlockRuns.Origin[] origins;
    private final int blocks;
    private final Access access;
    private final Optional<DeviceMemory> device;
    private final Optional<NicAccess> settling;
    private final Ledger ledger;
    private volatile boolean withdrawn;
    private volatile DeviceReaches reaches = DeviceReaches.NONE;

    PagedCache(
            LocalNode node,
            int id,
            String name,
            KvLayout layout,
            List<LayerPlacement> placement,
            int blocks,
            Access access,
            Optional<DeviceMemory> device) {
        this.node = node;
        this.device = device.filter(memory -> !memory.hostAccessible());
        settling = this.device.flatMap(DeviceMemory::nicAccess);
        this.id = id;
        this.name = name;
        this.layout = layout;
        this.placement = List.copyOf(placement);
        this.blocks = blocks;
        this.access = access;
        check();
        origins =
                this.placement.stream()
                        .map(layer -> BlockRuns.Origin.of(layer, blocks))
                        .toArray(BlockRuns.Origin[]::new);
        ledger =
                new Ledger(
                        name,
                        node.incarnation(),
                        blocks,
                        node.randomGeneration(),
                        node.metrics.blocksPinned);
    }

    private void check() {
        if (name.isBlank() || name.length() > 255) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "cache name of " + name.length() + " characters: need 1 to 255, not blank");
        }
        if (blocks < 1 || blocks > BlockTable.MAX_BLOCKS) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "cache '"
                            + name
                            + "' of "
                            + blocks
                            + " blocks: need 1 to "
                            + BlockTable.MAX_BLOCKS);
        }
        if (placement.size() != layout.layers()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "cache '"
                            + name
                            + "' has "
                            + placement.size()
                            + " placed layers, its layout has "
                            + layout.layers());
        }
        for (int i = 0; i < placement.size(); i++) {
            var layer = placement.get(i);
            fits(i, "K", layer.key(), layer.keyOffset(), layer.blockStride());
            if (layout.form() != KvForm.LATENT) {
                fits(i, "V", layer.value(), layer.valueOffset(), layer.blockStride());
            }
        }
    }

    private void fits(int layer, String part, MemorySegment memory, long offset, long stride) {
        MemoryRegion.requireShareable(memory);
        long part0 = layout.partBytes();
        long room = memory.byteSize() - part0;
        if (offset < 0
                || offset > room
                || (blocks > 1 && (stride < part0 || stride > (room - offset) / (blocks - 1)))) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    part
                            + " of layer "
                            + layer
                            + " of cache '"
                            + name
                            + "' ("
                            + blocks
                            + " blocks of "
                            + part0
                            + " bytes, offset "
                            + offset
                            + ", stride "
                            + stride
                            + ") does not fit into "
                            + memory.byteSize()
                            + " bytes");
        }
    }

    RemoteCache announcement() {
        return new RemoteCache(id, name, layout, blocks, access, node.incarnation());
    }

    int id() {
        return id;
    }

    Ledger ledger() {
        return ledger;
    }

    BlockRuns.Origin origin(int layer) {
        return origins[layer];
    }

    /** The device that the memory is of, where the host cannot address it. */
    Optional<DeviceMemory> device() {
        return device;
    }

    boolean withdrawn() {
        return withdrawn;
    }

    /** Tells the wires of the memory. */
    void offer(Paths paths) {
        device.ifPresentOrElse(
                memory -> reaches = paths.offer(memory(), memory, access),
                () -> memory().forEach(segment -> paths.memoryAdded(segment, access)));
    }

    /** Makes what a NIC has written visible to the device whose memory it is in. */
    void settle() {
        settling.ifPresent(NicAccess::settle);
    }

    /** How the wires move memory of a {@link #device}. */
    DeviceReaches reaches() {
        return reaches;
    }

    /** Whether blocks are staged on their way over a path, even if nothing else asks for that. */
    boolean stagedOver(String path) {
        return device.isPresent() && !reaches.direct(path);
    }

    /** The memory of all layers, each segment once. */
    Set<MemorySegment> memory() {
        Set<MemorySegment> all = Collections.newSetFromMap(new IdentityHashMap<>());
        for (var layer : placement) {
            all.add(layer.key());
            if (layout.form() != KvForm.LATENT) {
                all.add(layer.value());
            }
        }
        return all;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public KvLayout layout() {
        return layout;
    }

    @Override
    public int blocks() {
        return blocks;
    }

    @Override
    public Access access() {
        return access;
    }

    @Override
    public List<LayerPlacement> placement() {
        return placement;
    }

    @Override
    public Optional<BlockTable> allocate(int count) {
        return ledger.allocate(count);
    }

    @Override
    public BlockTable table(int... ids) {
        return ledger.table(ids);
    }

    @Override
    public CompletableFuture<Void> retire(BlockTable table) {
        return ledger.retire(table);
    }

    @Override
    public Lease lease(long requestId, BlockTable table, long timeToLiveNanos) {
        return node.leases.grant(this, requestId, table, timeToLiveNanos);
    }

    @Override
    public int freeBlocks() {
        return ledger.freeBlocks();
    }

    @Override
    public CompletableFuture<Void> deregister() {
        withdrawn = true;
        node.registry().withdraw(this);
        node.leases.endAll(this);
        int[] all = new int[blocks];
        for (int i = 0; i < blocks; i++) {
            all[i] = i;
        }
        var quiet = ledger.retire(ledger.table(all));
        node.endUsersOf(this);
        return quiet.thenRun(this::takeBack).thenCompose(_ -> hidden());
    }

    private void takeBack() {
        if (device.isEmpty()) {
            memory().forEach(node.paths()::memoryRemoved);
            return;
        }
        DeviceReaches ended;
        synchronized (this) {
            ended = reaches;
            reaches = DeviceReaches.NONE;
        }
        node.paths().deviceMemoryRemoved(memory(), ended);
    }

    /** Lets the paths show other processes of this host the memory, where its device can. */
    void showPeers(Paths paths) {
        device.filter(of -> of.peerMemory().isPresent())
                .ifPresent(of -> memory().forEach(memory -> paths.peerMemoryAdded(memory, of)));
    }

    /** Completes when no other process has the memory open. */
    private CompletableFuture<Void> hidden() {
        return device.flatMap(DeviceMemory::peerMemory).isEmpty()
                ? CompletableFuture.completedFuture(null)
                : CompletableFuture.allOf(
                        memory().stream()
                                .map(node.paths()::peerMemoryRemoved)
                                .toArray(CompletableFuture<?>[]::new));
    }

    @Override
    public String toString() {
        return "cache '" + name + "' (" + blocks + " blocks, " + layout.describe() + ")";
    }
}
