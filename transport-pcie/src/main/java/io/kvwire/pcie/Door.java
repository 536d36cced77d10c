package io.kvwire.pcie;

import io.kvwire.ffi.FileDescriptor;
import io.kvwire.ffi.WakeUp;
import io.kvwire.ffi.linux.Credentials;
import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.ffi.linux.LocalSocket;
import io.kvwire.ffi.linux.MemoryFile;
import io.kvwire.ffi.linux.Poll;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * Where the lanes of a node's peers come in: the listening socket and its thread. Who connects must
 * be of the same user, as the kernel says, and know the token of a link that is expected.
 * Thread-safe.
 */
final class Door implements Runnable, AutoCloseable {
    private static final System.Logger LOG = System.getLogger("io.kvwire.pcie");
    private static final int MAX_VISITORS = 128;
    private static final int BEFORE_VISITORS = 2;
    private static final int POLL_MILLIS = 1000;

    /** How long messages of a link may lie when its lanes are stalled. */
    private static final int STALLED_MILLIS = 50;

    private static final long VISIT_NANOS = 10_000_000_000L;

    private final PcieOptions options;
    private final SocketDirectory.Listening listening;
    private final BooleanSupplier lookAfter;
    private final int user = Credentials.ownUser();
    private final WakeUp bell = new WakeUp();
    private final Arena arena = Arena.ofShared();
    private final Poll poll = new Poll(arena, BEFORE_VISITORS + MAX_VISITORS);
    private final Map<String, PcieLink> expected = new ConcurrentHashMap<>();
    private final List<Visitor> visitors = new ArrayList<>();
    private final Thread thread;
    private volatile boolean closed;

    /** A connection that is not a lane yet. */
    private static final class Visitor {
        private final LocalSocket socket;
        private final Credentials who;
        private final long until = System.nanoTime() + VISIT_NANOS;
        private Optional<PcieLink> link = Optional.empty();
        private Optional<LaneParts> parts = Optional.empty();

        Visitor(LocalSocket socket) {
            this.socket = socket;
            who = socket.credentials();
        }

        void close() {
            parts.ifPresentOrElse(LaneParts::close, socket::close);
        }
    }

    /**
     * Opens the door.
     *
     * @param lookAfter looks after the messages of the links that there are, now and then
     */
    Door(
            String node,
            PcieOptions options,
            SocketDirectory.Listening listening,
            BooleanSupplier lookAfter) {
        this.lookAfter = lookAfter;
        this.options = options;
        this.listening = listening;
        thread = Thread.ofPlatform().daemon().name("kvwire-" + node + "-pcie").unstarted(this);
    }

    void start() {
        thread.start();
    }

    /** Lets the lanes of a link in. */
    void expect(byte[] token, PcieLink link) {
        expected.put(HexFormat.of().formatHex(token), link);
    }

    void forget(byte[] token) {
        expected.remove(HexFormat.of().formatHex(token));
    }

    @Override
    public void run() {
        while (!closed) {
            try {
                look();
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "taking lanes at " + listening.path(), e);
            }
        }
        visitors.forEach(Visitor::close);
        visitors.clear();
    }

    private void look() {
        poll.clear();
        int wake = poll.add(bell.descriptor());
        int front = poll.add(listening.socket().descriptor());
        visitors.forEach(visitor -> poll.add(visitor.socket.descriptor()));
        poll.await(lookAfter.getAsBoolean() ? STALLED_MILLIS : POLL_MILLIS);
        if (poll.ready(wake)) {
            bell.clear();
        }
        long now = System.nanoTime();
        int place = BEFORE_VISITORS;
        for (var visitors = this.visitors.iterator(); visitors.hasNext(); place++) {
            var visitor = visitors.next();
            if (poll.ready(place) ? !stays(visitor) : now - visitor.until >= 0) {
                visitors.remove();
            }
        }
        if (poll.ready(front)) {
            admit();
        }
    }

    private void admit() {
        var arrived = listening.socket().accept();
        if (arrived.isEmpty()) {
            return;
        }
        var visitor = new Visitor(arrived.get());
        if (visitor.who.uid() != user) {
            var why =
                    "user %d may not: the node belongs to user %d"
                            .formatted(visitor.who.uid(), user);
            LOG.log(System.Logger.Level.WARNING, "{0} at {1}", why, listening.path());
            visitor.socket.send(SocketMessage.refuse(why));
            visitor.close();
        } else if (visitors.size() == MAX_VISITORS) {
            visitor.socket.send(SocketMessage.refuse("too many lanes in their handshake"));
            visitor.close();
        } else {
            visitors.add(visitor);
        }
    }

    /** {@return whether the visitor is still to be heard; else it is a lane now, or closed} */
    private boolean stays(Visitor visitor) {
        try {
            var message = visitor.socket.receive();
            if (message.isEmpty()) {
                return true;
            }
            if (message.get().ended()) {
                visitor.close();
                return false;
            }
            return visitor.parts.isEmpty()
                    ? hello(visitor, message.get())
                    : verdict(visitor, message.get());
        } catch (TransferException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a lane of process {0} was refused: {1}",
                    String.valueOf(visitor.who.pid()),
                    e.getMessage());
            var _ = visitor.socket.send(SocketMessage.refuse(String.valueOf(e.getMessage())));
            visitor.close();
            return false;
        }
    }

    private boolean hello(Visitor visitor, LocalSocket.Message message) {
        int[] handed = message.descriptors();
        try {
            var in = SocketMessage.open(message.bytes());
            LaneMemory.require(
                    SocketMessage.type(in) == SocketMessage.HELLO && handed.length >= 3,
                    "something else than a HELLO");
            var hello = SocketMessage.hello(in);
            var link = expected.get(HexFormat.of().formatHex(hello.token()));
            if (link == null) {
                throw new TransferException(ErrorCode.REFUSED, "nobody expects this lane");
            }
            link.opening().requireLane(hello.lane());
            LaneMemory.require(
                    handed.length == (hello.lane() == 0 ? 4 : 3),
                    "a HELLO with " + handed.length + " descriptors");
            visitor.link = Optional.of(link);
            take(visitor, hello, handed);
            return true;
        } catch (RuntimeException e) {
            if (visitor.parts.isEmpty()) {
                Descriptors.close(handed);
            }
            throw e;
        }
    }

    private void take(Visitor visitor, SocketMessage.Hello hello, int[] handed) {
        LaneMemory.require(
                Integer.bitCount(hello.ringBytes()) == 1
                        && hello.ringBytes() >= 1 << 16
                        && hello.frames() >= 1
                        && hello.frames() <= LaneMemory.MAX_FRAMES,
                "sizes that make no lane");
        var file = MemoryFile.adopt(handed[0]);
        long bytes = LaneMemory.bytes(hello.ringBytes());
        LaneMemory.require(
                file.lengthSealed() && file.bytes() >= bytes,
                "memory of a lane whose length is not sealed, or too short");
        FileDescriptor.makeNonBlocking(handed[1]);
        FileDescriptor.makeNonBlocking(handed[2]);
        var memory = Arena.ofShared();
        Optional<LinkRings> messages = Optional.empty();
        try {
            messages = messages(handed);
            var both = file.map(memory, bytes, true);
            var cookie = new Cookie(memory);
            visitor.parts =
                    Optional.of(
                            new LaneParts(
                                    hello.lane(),
                                    visitor.socket,
                                    visitor.who,
                                    memory,
                                    LaneMemory.direction(
                                            both, 0, hello.ringBytes(), hello.frames()),
                                    LaneMemory.direction(
                                            both, 1, hello.ringBytes(), hello.frames()),
                                    new WakeUp(handed[2]),
                                    new WakeUp(handed[1]),
                                    messages,
                                    Optional.empty()));
            file.close();
            if (handed.length > 3) {
                Descriptors.close(handed[3]);
            }
            var verdict = LinkOpening.verdict(options, hello.cookie(), visitor.who.pid());
            if (!visitor.socket.send(SocketMessage.welcome(cookie.where(), verdict))) {
                throw new TransferException(ErrorCode.PEER_LOST, "the lane was closed again");
            }
        } catch (RuntimeException e) {
            if (visitor.parts.isEmpty()) {
                memory.close();
                messages.ifPresent(LinkRings::close);
            }
            throw e;
        }
    }

    /** Maps the rings of the link's messages, which lane 0 brings; the descriptor stays open. */
    private static Optional<LinkRings> messages(int[] handed) {
        if (handed.length < 4) {
            return Optional.empty();
        }
        var file = MemoryFile.adopt(handed[3]);
        LaneMemory.require(
                file.lengthSealed() && file.bytes() >= LinkRings.BYTES,
                "memory of messages whose length is not sealed, or too short");
        return Optional.of(LinkRings.map(file, false));
    }

    private boolean verdict(Visitor visitor, LocalSocket.Message message) {
        Descriptors.close(message.descriptors());
        var in = SocketMessage.open(message.bytes());
        LaneMemory.require(
                SocketMessage.type(in) == SocketMessage.VERDICT, "something else than a VERDICT");
        var verdict = SocketMessage.verdict(in);
        var parts = visitor.parts.orElseThrow().judged(verdict.cannotRead());
        visitor.link.orElseThrow().opening().arrived(parts);
        return false;
    }

    /** Closes the socket and waits for the thread. */
    @Override
    public void close() {
        closed = true;
        bell.wake();
        boolean interrupted = false;
        while (thread.isAlive() && Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        listening.close();
        bell.close();
        arena.close();
    }
}
