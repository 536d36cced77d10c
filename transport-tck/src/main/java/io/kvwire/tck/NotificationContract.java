package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.fault.Fault;
import io.kvwire.tck.fault.FaultPlan;
import io.kvwire.tck.fault.StallPoint;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.Limits;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Visible before notified, once, and never for what was not whole. */
public abstract class NotificationContract extends WireContract {
    private static final KvLayout LAYOUT =
            KvLayout.builder().layers(3).kvHeads(2).headDim(16).tokensPerBlock(16).build();

    /** For subclasses. */
    protected NotificationContract() {}

    private static byte[] number(int value) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }

    @Test
    void messagesArriveInOrder() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 1));
        int count = 500;
        for (int i = 0; i < count; i++) {
            pair.peer.notify(number(i));
        }
        var notices = rig.events(pair.far).notices;
        Waits.until("all messages arrive", () -> notices.size() == count);
        int next = 0;
        for (var notice : notices) {
            assertArrayEquals(number(next++), notice.payload());
        }
    }

    @Test
    void theLongestMessageArrivesAndALongerOneIsRefused() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 1));
        int longest = Limits.DEFAULT.maxNotificationBytes();
        var message = new byte[longest];
        random.nextBytes(message);
        pair.peer.notify(message);
        pair.peer.notify(new byte[0]);
        var notices = rig.events(pair.far).notices;
        Waits.until("both arrive", () -> notices.size() == 2);
        assertArrayEquals(message, notices.remove().payload());
        assertArrayEquals(new byte[0], notices.remove().payload());

        var refusal =
                assertThrows(
                        TransferException.class, () -> pair.peer.notify(new byte[longest + 1]));
        assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
        var request = pair.request(1);
        var options = TransferOptions.DEFAULT.withNotification(new byte[longest + 1]);
        assertEquals(
                ErrorCode.OUT_OF_RANGE,
                Waits.refusal(() -> pair.peer.write(pair.transfer(request), options)).code());
    }

    @RepeatedTest(3)
    void everyByteIsVisibleInsideTheNotification() {
        var setting = Settings.limits(limits -> limits.withFramePayload(4096));
        var pair =
                new Pair(rig, Pair.Shape.of(LAYOUT, 200).with(c -> setting.apply(c.withLanes(4))));
        rig.at(pair.near).use(FaultPlan.NONE.with(Fault.DELAY_FRAME, 0.7));
        rig.at(pair.far).use(FaultPlan.NONE.with(Fault.DELAY_FRAME, 0.7));
        var requests = new ArrayList<Pair.Request>();
        var problems = new ConcurrentLinkedQueue<String>();
        rig.events(pair.far)
                .onNotified((peer, payload) -> {
                    var request = requests.get(ByteBuffer.wrap(payload).getInt());
                    if (!whole(pair.farMemory, request.farTable().ids(), pair, request)) {
                        problems.add("early notice of " + request);
                    }
                });
        int count = 12;
        for (int i = 0; i < count; i++) {
            requests.add(pair.request(1 + random.nextInt(200)));
        }
        var transfers = new ArrayList<Transfer>();
        for (int i = 0; i < count; i++) {
            transfers.add(
                    pair.peer.write(
                            pair.transfer(requests.get(i)),
                            TransferOptions.DEFAULT.withNotification(number(i))));
        }
        transfers.forEach(Waits::done);
        var notices = rig.events(pair.far).notices;
        Waits.until("one notice for each", () -> notices.size() == count);
        assertEquals(List.of(), List.copyOf(problems));
    }

    private static boolean whole(GuardedCache memory, int[] ids, Pair pair, Pair.Request request) {
        for (int layer = 0; layer < LAYOUT.layers(); layer++) {
            var part =
                    memory.common(pair.nearMemory, layer, request.firstToken(), request.tokens());
            if (!memory.holds(ids, pair.nearMemory, request.nearTable().ids(), part)) {
                return false;
            }
        }
        return true;
    }

    @Test
    void aReaderIsNotifiedHereWithEveryByteInPlace() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 20));
        var request = pair.request(200);
        rig.at(pair.far).use(FaultPlan.NONE.with(Fault.DELAY_FRAME, 0.7));
        var expected = pair.read(pair.nearMemory.image(), request);
        var problems = new ConcurrentLinkedQueue<AssertionError>();
        rig.events(pair.near)
                .onNotified((peer, payload) -> {
                    try {
                        pair.nearMemory.assertIs(expected, "memory in the notification");
                    } catch (AssertionError e) {
                        problems.add(e);
                    }
                });
        Waits.done(
                pair.peer.read(
                        pair.transfer(request),
                        TransferOptions.DEFAULT.withNotification(number(1))));
        Waits.until("the notice", () -> rig.events(pair.near).notices.size() == 1);
        assertEquals(List.of(), List.copyOf(problems));
        assertTrue(rig.events(pair.far).notices.isEmpty(), "the owner is not notified of a READ");
    }

    @Test
    void bytesThatAreInPlaceButNotCountedAreNotNotified() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.WIDE, 3));
        var request = pair.request(130);
        rig.at(pair.far).stall(StallPoint.BEFORE_COMPLETION);
        var transfer =
                pair.peer.write(
                        pair.transfer(request),
                        TransferOptions.DEFAULT.withNotification(number(1)));
        Waits.until("a frame is stalled", () -> rig.at(pair.far).stalled() > 0);
        assertTrue(rig.events(pair.far).notices.isEmpty());
        assertFalse(transfer.completion().isDone());
        rig.at(pair.far).resume();
        Waits.done(transfer);
        Waits.until("the notice", () -> rig.events(pair.far).notices.size() == 1);
    }

    @Test
    void whatWasCancelledIsNotNotified() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 20));
        var request = pair.request(200);
        rig.at(pair.near).hold();
        var transfer =
                pair.peer.write(
                        pair.transfer(request),
                        TransferOptions.DEFAULT.withNotification(number(1)));
        Waits.until("frames are held", () -> rig.at(pair.near).held() > 0);
        assertTrue(transfer.cancel());
        rig.at(pair.near).send();
        Waits.quiet(transfer);

        pair.peer.notify(number(2));
        var notices = rig.events(pair.far).notices;
        Waits.until("the later message", () -> !notices.isEmpty());
        assertArrayEquals(number(2), notices.remove().payload());
        assertTrue(notices.isEmpty());
    }

    @Test
    void aListenerThatThrowsDoesNoHarm() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 5));
        rig.events(pair.far)
                .onNotified((peer, payload) -> {
                    throw new IllegalStateException("a bug of the application");
                });
        var request = pair.request(20);
        Waits.done(
                pair.peer.write(
                        pair.transfer(request),
                        TransferOptions.DEFAULT.withNotification(number(1))));
        pair.peer.notify(number(2));
        Waits.until("both arrive", () -> rig.events(pair.far).notices.size() == 2);
        assertTrue(pair.peer.connected());
    }
}
