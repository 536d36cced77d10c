package io.kvwire.ffi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** A C library that lies in this module's jar, for the platform it was built on. Thread-safe. */
public final class BundledLibrary {

    private BundledLibrary() {}

    /**
     * Copies a library to where the loader can open it. The copy is deleted when the JVM ends.
     *
     * @param fileName the library's file, such as {@code libdisni.so}
     * @return the copy, or empty when the jar has none for this platform
     * @throws IOException when it cannot be copied
     */
    public static Optional<Path> extract(String fileName) throws IOException {
        var platform =
                (System.getProperty("os.name") + "-" + System.getProperty("os.arch"))
                        .toLowerCase(Locale.ROOT)
                        .replace(' ', '_');
        var resource = "native/" + platform + "/" + fileName;
        try (var bytes = BundledLibrary.class.getResourceAsStream(resource)) {
            if (bytes == null) {
                return Optional.empty();
            }
            // A folder of its own: the loader wants the file to have its name.
            var folder = Files.createTempDirectory("kvwire-native");
            folder.toFile().deleteOnExit();
            var copy = folder.resolve(fileName);
            Files.copy(bytes, copy);
            copy.toFile().deleteOnExit();
            return Optional.of(copy);
        }
    }
}
