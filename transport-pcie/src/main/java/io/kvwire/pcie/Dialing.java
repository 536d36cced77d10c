package io.kvwire.pcie;

import io.kvwire.ffi.WakeUp;
import io.kvwire.ffi.linux.Credentials;
import io.kvwire.ffi.linux.LocalSocket;
import io.kvwire.ffi.linux.MemoryFile;
import io.kvwire.ffi.linux.Poll;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.stream.IntStream;

/** Makes a lane to a node whose socket is known. May wait; called on a thread of its own. */
final class Dialing {
    private static final int NANOS_PER_MILLI = 1_000_000;

    private final Endpoint to;
    private final byte[] token;
    private final PcieOptions options;
    private final long untilNanos;

    Dialing(Endpoint to, byte[] token, PcieOptions options, long untilNanos) {
        this.to = to;
        this.token = token;
        this.options = options;
        this.untilNanos = untilNanos;
    }

    /** {@return a connection to the node, whose user is this one's, as the kernel says} */
    static LocalSocket connect(Endpoint to) {
        LocalSocket socket;
        try {
            socket = LocalSocket.connect(to.socket());
        } catch (TransferException e) {
            throw new TransferException(
                    e.code() == ErrorCode.OUT_OF_RANGE ? e.code() : ErrorCode.UNREACHABLE,
                    e.getMessage()
                            + "; containers have to share the directory of the sockets"
                            + " (pcie.directory)",
                    e);
        }
        int user = socket.credentials().uid();
        if (user != Credentials.ownUser()) {
            socket.close();
            throw new TransferException(
                    ErrorCode.REFUSED,
                    to.socket()
                            + " belongs to user "
                            + user
                            + ", this process runs as user "
                            + Credentials.ownUser());
        }
        return socket;
    }

    /** Makes one lane. */
    LaneParts dial(int lane) {
        var socket = connect(to);
        Optional<LaneParts> made = Optional.empty();
        try {
            var peer = socket.credentials();
            var arena = Arena.ofShared();
            made = Optional.of(make(lane, socket, peer, arena));
            return made.get().judged(agree(lane, made.get()));
        } catch (RuntimeException e) {
            made.ifPresentOrElse(LaneParts::close, socket::close);
            throw e;
        }
    }

    private LaneParts make(int lane, LocalSocket socket, Credentials peer, Arena arena) {
        int ring = options.ringBytes();
        long bytes = LaneMemory.bytes(ring);
        Optional<WakeUp> bell = Optional.empty();
        Optional<WakeUp> peerBell = Optional.empty();
        Optional<LinkRings> messages = Optional.empty();
        try (var file = sealed("kvwire-lane", bytes);
                var ofMessages = sealed("kvwire-messages", LinkRings.BYTES)) {
            var both = file.map(arena, bytes, true);
            var cookie = new Cookie(arena);
            bell = Optional.of(new WakeUp());
            peerBell = Optional.of(new WakeUp());
            var hello =
                    new SocketMessage.Hello(lane, token, ring, options.frames(), cookie.where());
            int[] handed =
                    IntStream.of(
                                    file.descriptor(),
                                    bell.get().descriptor(),
                                    peerBell.get().descriptor(),
                                    ofMessages.descriptor())
                            .limit(lane == 0 ? 4 : 3)
                            .toArray();
            if (lane == 0) {
                messages = Optional.of(LinkRings.map(ofMessages, true));
            }
            if (!socket.send(SocketMessage.hello(hello), handed)) {
                throw lost();
            }
            return new LaneParts(
                    lane,
                    socket,
                    peer,
                    arena,
                    LaneMemory.direction(both, 1, ring, options.frames()),
                    LaneMemory.direction(both, 0, ring, options.frames()),
                    bell.get(),
                    peerBell.get(),
                    messages,
                    Optional.empty());
        } catch (RuntimeException e) {
            bell.ifPresent(WakeUp::close);
            peerBell.ifPresent(WakeUp::close);
            messages.ifPresent(LinkRings::close);
            arena.close();
            throw e;
        }
    }

    private static MemoryFile sealed(String name, long bytes) {
        var file = MemoryFile.create(name, bytes, MemoryFile.Pages.BASE);
        try {
            file.reserve();
            file.sealLength();
            file.sealSeals();
            return file;
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private TransferException lost() {
        return new TransferException(
                ErrorCode.UNREACHABLE, "the process at " + to.socket() + " closed the lane");
    }

    /** Hears the answer and gives the verdict; returns why the peer cannot read private memory. */
    private Optional<String> agree(int lane, LaneParts parts) {
        var in = SocketMessage.open(answer(parts));
        byte type = SocketMessage.type(in);
        if (type == SocketMessage.REFUSE) {
            throw new TransferException(
                    ErrorCode.REFUSED, "lane " + lane + ": " + SocketMessage.rest(in));
        }
        LaneMemory.require(type == SocketMessage.WELCOME, "an answer of type " + type);
        var cookie = SocketMessage.cookie(in);
        var theirs = SocketMessage.verdict(in);
        var mine = LinkOpening.verdict(options, cookie, parts.peer().pid());
        if (!parts.socket().send(SocketMessage.verdict(mine))) {
            throw lost();
        }
        return theirs.cannotRead();
    }

    private byte[] answer(LaneParts parts) {
        var wait = new Poll(parts.arena(), 1);
        wait.add(parts.socket().descriptor());
        while (true) {
            long left = untilNanos - System.nanoTime();
            if (left <= 0) {
                throw new TransferException(
                        ErrorCode.UNREACHABLE,
                        "no answer from process " + parts.peer().pid() + " at " + to.socket());
            }
            wait.await((int) Math.min(Integer.MAX_VALUE, left / NANOS_PER_MILLI + 1));
            var message = parts.socket().receive();
            if (message.isPresent()) {
                if (message.get().ended()) {
                    throw lost();
                }
                return message.get().bytes();
            }
        }
    }
}
