package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.WireUnderTest.Trait;
import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Peer;
import io.kvwire.transport.RangeTransfer;
import io.kvwire.transport.Region;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Transfers between plain regions: exact, inside the bounds, and only as far as access is granted.
 */
public abstract class RangeContract extends WireContract {
    private static final int GUARD = 256;
    private static final int BYTES = 100_000;
    private static final long FAR_OFF = Long.MAX_VALUE - 8;

    private TransferNode near;
    private TransferNode far;
    private MemorySegment nearMemory;
    private MemorySegment farMemory;
    private Region local;
    private Region owned;
    private Peer peer;
    private RemoteRegion remote;

    /** For subclasses. */
    protected RangeContract() {}

    @BeforeEach
    void connectTwo() {
        near = rig.node("near");
        far = rig.node("far");
        nearMemory = scribbled();
        farMemory = scribbled();
        local = near.register(nearMemory.asSlice(GUARD, BYTES), Access.LOCAL);
        owned = far.register(farMemory.asSlice(GUARD, BYTES), Access.REMOTE_READ_WRITE);
        peer = rig.connect(near, far);
        remote = announced(owned);
    }

    private MemorySegment scribbled() {
        var bytes = new byte[BYTES + 2 * GUARD];
        random.nextBytes(bytes);
        var memory = rig.arena().allocate(bytes.length);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return memory;
    }

    private RemoteRegion announced(Region region) {
        Waits.until("the region is announced", () -> peer.region(region.id()).isPresent());
        return peer.region(region.id()).orElseThrow();
    }

    @Test
    void stridedRangesMoveExactlyInBothDirections() {
        var ranges =
                List.of(
                        new StridedCopy(0, 1000, 50_000, 300, 100, 40),
                        StridedCopy.contiguous(BYTES - 10, 0, 10),
                        new StridedCopy(40_500, 64, 70_000, 64, 64, 400),
                        new StridedCopy(41_001, 0, 99_000, 10, 1, 3),
                        StridedCopy.contiguous(0, BYTES - 1, 1));
        var transfer = new RangeTransfer(9, local, remote, ranges);

        var written = copied(nearMemory, farMemory, ranges);
        Waits.done(peer.write(transfer, TransferOptions.DEFAULT));
        assertIs(farMemory, written, "target of the WRITE");

        var backward = new ArrayList<StridedCopy>();
        for (var range : ranges) {
            if (range.sourceStride() > 0) {
                backward.add(mirrored(range));
            }
        }
        var read = copied(farMemory, nearMemory, backward);
        Waits.done(
                peer.read(new RangeTransfer(9, local, remote, backward), TransferOptions.DEFAULT));
        assertIs(nearMemory, read, "target of the READ");
    }

    @SuppressWarnings("ArgumentSelectionDefectChecker") // the two sides change places on purpose
    private static StridedCopy mirrored(StridedCopy range) {
        return new StridedCopy(
                range.targetOffset(),
                range.targetStride(),
                range.sourceOffset(),
                range.sourceStride(),
                range.length(),
                range.count());
    }

    private static byte[] copied(
            MemorySegment source, MemorySegment target, List<StridedCopy> ranges) {
        var image = target.toArray(ValueLayout.JAVA_BYTE);
        for (var range : ranges) {
            for (int i = 0; i < range.count(); i++) {
                MemorySegment.copy(
                        source,
                        ValueLayout.JAVA_BYTE,
                        GUARD + range.sourceOffset() + i * range.sourceStride(),
                        image,
                        (int) (GUARD + range.targetOffset() + i * range.targetStride()),
                        (int) range.length());
            }
        }
        return image;
    }

    private static void assertIs(MemorySegment memory, byte[] image, String what) {
        assertEquals(-1, memory.mismatch(MemorySegment.ofArray(image)), what);
    }

    @Test
    void anEmptyListOfRangesCompletesAndNotifies() {
        var options = TransferOptions.DEFAULT.withNotification(new byte[] {5});
        var nothing = new RangeTransfer(9, local, remote, List.of());
        Waits.done(peer.write(nothing, options));
        Waits.until("far is notified", () -> rig.events(far).notices.size() == 1);
        Waits.done(peer.read(nothing, options));
        Waits.until("near is notified", () -> rig.events(near).notices.size() == 1);
    }

    @Test
    void rangesOfNothingCompleteAndNotify() {
        var options = TransferOptions.DEFAULT.withNotification(new byte[] {5});
        var nothing =
                new RangeTransfer(
                        9,
                        local,
                        remote,
                        List.of(
                                StridedCopy.contiguous(0, 0, 0),
                                new StridedCopy(5, 1, 5, 1, 10, 0),
                                StridedCopy.contiguous(BYTES, BYTES, 0)));
        var before = farMemory.toArray(ValueLayout.JAVA_BYTE);
        Waits.done(peer.write(nothing, options));
        Waits.until("far is notified", () -> rig.events(far).notices.size() == 1);
        Waits.done(peer.read(nothing, options));
        Waits.until("near is notified", () -> rig.events(near).notices.size() == 1);
        assertIs(farMemory, before, "target of nothing");
    }

    @Test
    void thousandsOfOddRangesMoveExactly() {
        var ranges = new ArrayList<StridedCopy>();
        for (int at = 0; at < BYTES - 60; ) {
            int length = random.nextInt(30);
            ranges.add(StridedCopy.contiguous(random.nextInt(BYTES - length), at, length));
            at += length + random.nextInt(4);
        }
        Collections.shuffle(ranges, random);
        var what = new RangeTransfer(9, local, remote, ranges);
        var written = copied(nearMemory, farMemory, ranges);
        Waits.done(peer.write(what, TransferOptions.DEFAULT.withChecksum(true)));
        assertIs(farMemory, written, "target of the WRITE");
        var read = copied(farMemory, nearMemory, ranges);
        Waits.done(peer.read(what, TransferOptions.DEFAULT.withChecksum(true)));
        assertIs(nearMemory, read, "target of the READ");
    }

    static Stream<StridedCopy> targetsOutside() {
        return Stream.of(
                StridedCopy.contiguous(0, BYTES, 1),
                StridedCopy.contiguous(0, BYTES - 9, 10),
                StridedCopy.contiguous(0, -1, 10),
                StridedCopy.contiguous(0, FAR_OFF, 16),
                StridedCopy.contiguous(0, Long.MIN_VALUE, 16),
                new StridedCopy(0, 16, 0, Long.MAX_VALUE / 2, 16, 3),
                new StridedCopy(0, 16, 0, Long.MAX_VALUE, 16, 2),
                new StridedCopy(0, 16, 64, -65, 16, 2),
                new StridedCopy(0, 16, 0, Long.MIN_VALUE, 16, 3),
                new StridedCopy(0, 0, 0, 1L << 33, 1, Integer.MAX_VALUE));
    }

    static Stream<StridedCopy> senseless() {
        return Stream.of(
                new StridedCopy(0, 16, 0, 16, -1, 1),
                new StridedCopy(0, 16, 0, 16, Long.MIN_VALUE, 1),
                new StridedCopy(0, 16, 0, 16, 16, -1),
                new StridedCopy(0, 16, 0, 16, 16, Integer.MIN_VALUE),
                new StridedCopy(0, 0, 0, 0, 1L << 40, Integer.MAX_VALUE),
                StridedCopy.contiguous(0, 0, Long.MAX_VALUE));
    }

    @ParameterizedTest
    @MethodSource({"targetsOutside", "senseless"})
    void rangesOutsideTheRegionsAreRefusedHere(StridedCopy outside) {
        assertRefused(outside, remote);
    }

    @ParameterizedTest
    @MethodSource({"targetsOutside", "senseless"})
    void rangesOutsideTheRegionAreRefusedByItsOwner(StridedCopy outside) {
        needs(Trait.OWNER_CHECKS);
        assertRefused(
                outside,
                new RemoteRegion(
                        remote.id(), remote.generation(), Long.MAX_VALUE, remote.access()));
    }

    /** Tries the range as a target and, mirrored, as a source; here and at the owner. */
    private void assertRefused(StridedCopy range, RemoteRegion region) {
        var farBefore = farMemory.toArray(ValueLayout.JAVA_BYTE);
        var nearBefore = nearMemory.toArray(ValueLayout.JAVA_BYTE);
        var mirrored = mirrored(range);
        var attempts =
                List.of(
                        refusal(false, range, region),
                        refusal(false, mirrored, region),
                        refusal(true, range, region),
                        refusal(true, mirrored, region));
        for (var refusal : attempts) {
            assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code(), refusal.getMessage());
        }
        assertIs(farMemory, farBefore, "far memory after refusals");
        assertIs(nearMemory, nearBefore, "near memory after refusals");
        assertTrue(peer.connected(), "a refusal costs no connection");
        stridedRangesMoveExactlyInBothDirections();
    }

    private TransferException refusal(boolean read, StridedCopy range, RemoteRegion region) {
        var what = new RangeTransfer(9, local, region, List.of(range));
        return Waits.refusal(() ->
                read
                        ? peer.read(what, TransferOptions.DEFAULT)
                        : peer.write(what, TransferOptions.DEFAULT));
    }

    @ParameterizedTest
    @EnumSource(Access.class)
    void peersDoOnlyWhatTheOwnerGrants(Access access) {
        var memory = rig.arena().allocate(64);
        var region = far.register(memory, access);
        var honest = announcedOrForged(region);
        var forged =
                new RemoteRegion(region.id(), region.generation(), 64, Access.REMOTE_READ_WRITE);
        boolean owner = rig.wire().traits().contains(Trait.OWNER_CHECKS);
        for (var handle : owner ? List.of(honest, forged) : List.of(honest)) {
            check(access.readable(), () -> peer.read(whole(handle), TransferOptions.DEFAULT));
            memory.fill((byte) 0);
            local.segment().fill((byte) 9);
            check(access.writable(), () -> peer.write(whole(handle), TransferOptions.DEFAULT));
            boolean untouched = memory.mismatch(rig.arena().allocate(64)) < 0;
            assertEquals(!access.writable(), untouched, "memory with access " + access);
        }
    }

    private RangeTransfer whole(RemoteRegion handle) {
        return new RangeTransfer(9, local, handle, List.of(StridedCopy.contiguous(0, 0, 64)));
    }

    private RemoteRegion announcedOrForged(Region region) {
        return region.access() == Access.LOCAL
                ? new RemoteRegion(region.id(), region.generation(), 64, Access.LOCAL)
                : announced(region);
    }

    private static void check(boolean granted, Supplier<Transfer> operation) {
        if (granted) {
            Waits.done(operation.get());
        } else {
            var refusal = Waits.refusal(operation);
            assertEquals(ErrorCode.ACCESS_DENIED, refusal.code(), refusal.getMessage());
        }
    }

    @Test
    void memoryThatNoWireCanReachIsNotRegistered() {
        try (var confined = Arena.ofConfined()) {
            for (var wrong : List.of(MemorySegment.ofArray(new byte[64]), confined.allocate(64))) {
                var refusal =
                        assertThrows(
                                TransferException.class, () -> near.register(wrong, Access.LOCAL));
                assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code(), refusal.getMessage());
            }
        }
    }
}
