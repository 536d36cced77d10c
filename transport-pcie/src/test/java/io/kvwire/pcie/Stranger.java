package io.kvwire.pcie;

import io.kvwire.ffi.linux.Credentials;
import io.kvwire.ffi.linux.LocalSocket;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A process of another user, which tries to connect to the socket that it is told. */
final class Stranger {
    private static final int TRIES = 1000;

    private Stranger() {}

    /** Prints what came of it. */
    public static void main(String[] args) throws IOException, InterruptedException {
        System.out.println("user " + Credentials.ownUser());
        try (var socket = LocalSocket.connect(Path.of(args[0]))) {
            for (int i = 0; i < TRIES; i++) {
                var message = socket.receive();
                if (message.isPresent()) {
                    var text = new String(message.get().bytes(), StandardCharsets.UTF_8);
                    System.out.println(message.get().ended() ? "closed" : "told: " + text);
                    return;
                }
                Thread.sleep(10); // the socket does not wait, and nothing else tells of a message
            }
            System.out.println("no answer");
        } catch (TransferException e) {
            System.out.println(e.code() + ": " + e.getMessage());
        }
    }
}
