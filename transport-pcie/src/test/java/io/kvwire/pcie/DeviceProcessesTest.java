package io.kvwire.pcie;

import static io.kvwire.pcie.BothEnds.assertDone;
import static io.kvwire.pcie.BothEnds.assertGivenUpWhenStopped;
import static io.kvwire.pcie.BothEnds.assertKilledInTheMiddle;
import static io.kvwire.pcie.BothEnds.assertMovesBothWays;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.pcie.cuda.CudaMemory;
import io.kvwire.pcie.cuda.TestDriver;
import io.kvwire.transport.Peer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Caches in memory of one GPU, between processes: the blocks go from device to device. Where there
 * is no GPU, the simulated driver ends the process that uses memory outside of what it has open,
 * frees what others have open, or leaves something open.
 */
@Timeout(90)
class DeviceProcessesTest {
    private static final String DIRECT = "device to device";

    @TempDir private Path directory;
    private Context context;
    private CudaMemory memory;
    private MemorySegment segment;

    @BeforeEach
    void open() {
        context = TestDriver.open();
        memory = new CudaMemory("cuda:0", context);
        segment = memory.allocate(Neighbour.cacheBytes(), 256);
    }

    @AfterEach
    void close() {
        if (context != null) {
            memory.close();
            context.close();
        }
    }

    private Neighbour here(Map<String, String> more) {
        var options = new HashMap<>(more);
        options.put("pcie.directory", directory.toString());
        return new Neighbour("here", options, memory, segment);
    }

    private static String how(Peer peer) {
        return peer.path().details().get("deviceMemory");
    }

    /** Opening takes its time; transfers until then are staged. */
    private static void awaitOpen(Peer peer, OtherProcess there) {
        await().until(() -> how(peer).contains(DIRECT));
        await().until(() -> there.ask("details").contains(DIRECT));
    }

    @Test
    void blocksAreCopiedFromDeviceToDeviceAndNeverStaged() {
        try (var there = OtherProcess.startCuda("there", directory);
                var here = here(Map.of())) {
            var peer = here.connect(there.address());
            awaitOpen(peer, there);
            assertMovesBothWays(here, peer, there);

            var metrics = here.node().metrics();
            assertEquals(0, metrics.bytesGathered());
            assertEquals(Neighbour.cacheBytes(), metrics.bytesReceivedInPlace());
            assertEquals("0", there.ask("gathered"));
            assertEquals(0, there.leave());
        }
    }

    @Test
    void memoryIsFreeOnceItIsDeregisteredThoughThePeerLivesOn() {
        try (var there = OtherProcess.startCuda("there", directory);
                var here = here(Map.of())) {
            var peer = here.connect(there.address());
            awaitOpen(peer, there);
            here.fill(7);
            assertDone(here.write(peer, there.table()));

            here.cache().deregister().orTimeout(20, TimeUnit.SECONDS).join();
            memory.free(segment);

            assertTrue(peer.connected());
            assertEquals("true", there.ask("holds 7"));
        }
    }

    @Test
    void aPeerThatIsKilledInTheMiddleLeavesNothingOpen() {
        try (var here = here(Map.of())) {
            for (int round = 0; round < 2; round++) {
                try (var there = OtherProcess.startCuda("there", directory)) {
                    var peer = here.connect(there.address());
                    awaitOpen(peer, there);
                    here.fill(round);
                    assertKilledInTheMiddle(here, peer, there);
                }
            }
            here.cache().retire(here.cache().table(0, 1)).join();
            here.cache().deregister().orTimeout(20, TimeUnit.SECONDS).join();
            memory.free(segment);
        }
    }

    @Test
    void aPeerThatIsStoppedIsGivenUp() {
        try (var there = OtherProcess.startCuda("there", directory);
                var here = here(Map.of())) {
            var peer = here.connect(there.address());
            awaitOpen(peer, there);
            assertGivenUpWhenStopped(here, peer, there);
            assertEquals(0, there.leave());
        }
    }

    @Test
    void aPeerWithItsCacheOnTheHostIsReachedThroughStagingAndTheReportSaysWhy() {
        try (var there = OtherProcess.start("there", directory, true);
                var here = here(Map.of())) {
            var peer = here.connect(there.address());
            await().until(() -> how(peer).contains("no cache in memory of such a device"));
            assertMovesStaged(here, peer, there);
        }
    }

    @Test
    void whoDoesNotWantItStagesAndTheReportSaysSo() {
        try (var there = OtherProcess.startCuda("there", directory);
                var here = here(Map.of("pcie.deviceMemory", "staged"))) {
            var peer = here.connect(there.address());
            assertTrue(how(peer).contains("pcie.deviceMemory is staged"), () -> how(peer));
            assertMovesStaged(here, peer, there);
        }
    }

    @Test
    void memoryWithoutAHandleIsStagedAndTheReportSaysWhy() {
        try (var virtual = context.allocateVirtual(Neighbour.cacheBytes())) {
            var adopted = memory.adopt(virtual.address(), Neighbour.cacheBytes());
            var options = Map.of("pcie.directory", directory.toString());
            try (var there = OtherProcess.startCuda("there", directory);
                    var here = new Neighbour("here", options, memory, adopted)) {
                var peer = here.connect(there.address());
                await().until(() -> how(peer).contains("expandable_segments"));
                assertMovesStaged(here, peer, there);
            }
            memory.release(adopted);
        }
    }

    private static void assertMovesStaged(Neighbour here, Peer peer, OtherProcess there) {
        assertMovesBothWays(here, peer, there);
        assertEquals(Neighbour.cacheBytes(), here.node().metrics().bytesGathered());
    }

    @Test
    void nodesOfOneProcessCopyFromDeviceToDeviceToo() {
        var other = memory.allocate(Neighbour.cacheBytes(), 256);
        var options = Map.of("pcie.directory", directory.toString());
        try (var there = new Neighbour("there", options, memory, other);
                var here = here(Map.of())) {
            var peer = here.connect(there.node().address().toString());
            await().until(() -> how(peer).contains(DIRECT));
            here.fill(7);
            assertDone(here.write(peer, there.table()));
            assertTrue(there.holds(7));
            assertEquals(0, here.node().metrics().bytesGathered());
        }
    }
}
