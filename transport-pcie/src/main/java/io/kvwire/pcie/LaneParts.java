package io.kvwire.pcie;

import io.kvwire.ffi.WakeUp;
import io.kvwire.ffi.linux.Credentials;
import io.kvwire.ffi.linux.LocalSocket;

import java.lang.foreign.Arena;
import java.util.Optional;

/**
 * What a lane is made of, once both ends have agreed. Owned by whoever has it; closed once.
 *
 * @param index of the lane
 * @param socket to the other end: its end is that of the other process
 * @param peer who is there
 * @param arena of the memory that both have mapped
 * @param in direction from the other end
 * @param out direction to it
 * @param bell wakes this end
 * @param peerBell wakes the other
 * @param messages the rings of the link's messages, with lane 0 until the link takes them
 * @param peerCannotRead why the other end cannot read private memory of this process, or empty
 */
record LaneParts(
        int index,
        LocalSocket socket,
        Credentials peer,
        Arena arena,
        LaneMemory in,
        LaneMemory out,
        WakeUp bell,
        WakeUp peerBell,
        Optional<LinkRings> messages,
        Optional<String> peerCannotRead)
        implements AutoCloseable {

    LaneParts judged(Optional<String> cannotRead) {
        return new LaneParts(
                index, socket, peer, arena, in, out, bell, peerBell, messages, cannotRead);
    }

    /** {@return the same without the link's messages, which the caller has taken} */
    LaneParts withoutMessages() {
        return new LaneParts(
                index,
                socket,
                peer,
                arena,
                in,
                out,
                bell,
                peerBell,
                Optional.empty(),
                peerCannotRead);
    }

    @Override
    public void close() {
        socket.close();
        bell.close();
        peerBell.close();
        arena.close();
        messages.ifPresent(LinkRings::close);
    }
}
