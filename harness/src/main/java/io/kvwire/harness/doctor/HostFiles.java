package io.kvwire.harness.doctor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The files in which Linux says what a host has, below a folder: {@code /}, or a test's own. */
record HostFiles(Path root) {
    private static final int MAX_BYTES = 1 << 16;

    private static final List<String> LIBRARY_FOLDERS =
            List.of(
                    "usr/lib/x86_64-linux-gnu",
                    "usr/lib/aarch64-linux-gnu",
                    "lib/x86_64-linux-gnu",
                    "lib/aarch64-linux-gnu",
                    "usr/lib64",
                    "usr/local/lib",
                    "usr/lib",
                    "usr/local/nvidia/lib64",
                    "usr/local/cuda/compat");

    /** The text of a file without surrounding space, or empty when it cannot be read. */
    Optional<String> text(String file) {
        try (var in = Files.newInputStream(root.resolve(file))) {
            // Settings of the kernel are given to the first read alone, as far as it asks for.
            byte[] most = new byte[MAX_BYTES];
            int length = Math.max(0, in.read(most));
            return Optional.of(new String(most, 0, length, StandardCharsets.UTF_8).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The names in a folder, in order; none when there is no such folder. */
    List<String> names(String folder) {
        try (var entries = Files.list(root.resolve(folder))) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** The folder that the loader would find a library in. */
    Optional<String> library(String name) {
        return LIBRARY_FOLDERS.stream()
                .filter(folder -> Files.exists(root.resolve(folder).resolve(name)))
                .findFirst();
    }
}
