package io.kvwire.ffi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** A C library that lies in this module's jar, for the platform it was built on. Thread-safe. */
public final class BundledLibrary {

    /**
     * Opens a library's file.
     *
     * @param <T> what it is opened as
     * @param <E> what may go wrong
     */
    @FunctionalInterface
    public interface Opener<T, E extends Exception> {
        /**
         * Opens it.
         *
         * @param file of the library
         * @return the open library
         * @throws E when it cannot be opened
         */
        T open(Path file) throws E;
    }

    private BundledLibrary() {}

    /**
     * Copies a library to a file, opens it and deletes the file: what is open stays so without its
     * file, and no copy is left behind however the JVM ends.
     *
     * @param <T> what it is opened as
     * @param <E> what the opener may throw
     * @param fileName the library's file, such as {@code libdisni.so}
     * @param opener opens it; the file is there until it returns
     * @return what the opener made, or empty when the jar has no such library for this platform
     * @throws IOException when it cannot be copied
     * @throws E what the opener throws
     */
    public static <T, E extends Exception> Optional<T> open(String fileName, Opener<T, E> opener)
            throws IOException, E {
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
            var copy = folder.resolve(fileName);
            try {
                Files.copy(bytes, copy);
                return Optional.of(opener.open(copy));
            } finally {
                Files.deleteIfExists(copy);
                Files.delete(folder);
            }
        }
    }
}
