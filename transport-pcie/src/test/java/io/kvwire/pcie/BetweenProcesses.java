package io.kvwire.pcie;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.linux.Linux;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A directory of sockets for each test, and what processes have mapped and open. */
abstract class BetweenProcesses {
    Path directory;

    @BeforeAll
    static void needsLinux() {
        assumeTrue(Linux.unavailable().isEmpty(), () -> Linux.unavailable().orElseThrow());
    }

    @BeforeEach
    void makeDirectory() throws IOException {
        directory = Files.createTempDirectory("kvwire-pcie");
    }

    @AfterEach
    void deleteDirectory() throws IOException {
        for (var socket : sockets()) {
            Files.delete(socket);
        }
        Files.delete(directory);
    }

    List<Path> sockets() throws IOException {
        try (var files = Files.list(directory)) {
            return files.toList();
        }
    }

    /** {@return how many files of memory of a name this process has mapped} */
    static long mapped(String name) throws IOException {
        return Files.readString(Path.of("/proc/self/maps"))
                .lines()
                .filter(line -> line.contains("memfd:" + name))
                .count();
    }

    /** {@return the files of memory that a process has, sealed and without a name} */
    static List<Path> memoryFiles(long pid) throws IOException {
        try (var open = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return open.filter(BetweenProcesses::isMemory).toList();
        }
    }

    private static boolean isMemory(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().contains("memfd:kvwire-memory");
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
