package io.kvwire.pcie;

import io.kvwire.ffi.linux.Credentials;
import io.kvwire.ffi.linux.LocalSocket;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;

/**
 * The directory of the sockets: private to one user, shared by those containers that are to reach
 * each other. A socket that nobody listens to belonged to a process that died, and is deleted by
 * the next that starts. Thread-safe.
 */
final class SocketDirectory {
    private static final System.Logger LOG = System.getLogger("io.kvwire.pcie");
    private static final String SUFFIX = ".sock";
    private static final String UNFINISHED = ".new";
    private static final Duration UNFINISHED_FOR = Duration.ofMinutes(1);
    private static final int NAME_BYTES = 6;

    private final Path directory;

    private SocketDirectory(Path directory) {
        this.directory = directory;
    }

    /** {@return the directory, made where it is not there yet} */
    static SocketDirectory open(Optional<Path> asked) {
        var directory = asked.orElseGet(SocketDirectory::usual).toAbsolutePath().normalize();
        var mode = PosixFilePermissions.fromString("rwx------");
        try {
            if (directory.getParent() != null) {
                Files.createDirectories(directory.getParent());
            }
            Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(mode));
        } catch (FileAlreadyExistsException e) {
            // Looked at below.
        } catch (IOException e) {
            throw unusable(directory, "cannot be made: " + e.getMessage());
        }
        requirePrivate(directory);
        return new SocketDirectory(directory);
    }

    private static Path usual() {
        var runtime = System.getenv("XDG_RUNTIME_DIR");
        if (runtime != null && Files.isWritable(Path.of(runtime))) {
            return Path.of(runtime, "kvwire");
        }
        return Path.of(System.getProperty("java.io.tmpdir"), "kvwire-" + Credentials.ownUser());
    }

    /** Others who could put a socket of theirs there, or take ours away, are not let in. */
    private static void requirePrivate(Path directory) {
        try {
            var about =
                    Files.readAttributes(
                            directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            int owner = (int) Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
            var others = PosixFilePermissions.toString(about.permissions()).substring(3);
            if (!about.isDirectory()) {
                throw unusable(directory, "is not a directory");
            }
            if (owner != Credentials.ownUser()) {
                throw unusable(directory, "belongs to user " + owner);
            }
            if (!others.equals("------")) {
                throw unusable(directory, "is open to others (chmod 700 it)");
            }
        } catch (IOException e) {
            throw unusable(directory, "cannot be looked at: " + e.getMessage());
        }
    }

    private static TransferException unusable(Path directory, String why) {
        return new TransferException(
                ErrorCode.PATH_UNAVAILABLE,
                "the directory of the sockets, " + directory + ", " + why + "; see pcie.directory");
    }

    /** Listens at a new name; whoever sees the name can connect at once. */
    Listening listen() {
        byte[] random = new byte[NAME_BYTES];
        new SecureRandom().nextBytes(random);
        var name = ProcessHandle.current().pid() + "-" + HexFormat.of().formatHex(random);
        var unfinished = directory.resolve(name + UNFINISHED);
        var socket = LocalSocket.listen(unfinished);
        var path = directory.resolve(name + SUFFIX);
        try {
            Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            socket.close();
            delete(unfinished);
            throw unusable(directory, "takes no sockets: " + e.getMessage());
        }
        return new Listening(socket, path);
    }

    /** A socket and its name. */
    record Listening(LocalSocket socket, Path path) implements AutoCloseable {
        @Override
        public void close() {
            delete(path);
            socket.close();
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, path + " could not be deleted", e);
        }
    }

    /** Deletes the sockets of processes that died. */
    void clean() {
        try (var files = Files.newDirectoryStream(directory)) {
            for (var file : files) {
                var name = file.getFileName().toString();
                if ((name.endsWith(SUFFIX) && abandoned(file))
                        || (name.endsWith(UNFINISHED) && old(file))) {
                    delete(file);
                    LOG.log(System.Logger.Level.DEBUG, "deleted {0} of a dead process", file);
                }
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, directory + " could not be cleaned", e);
        }
    }

    private static boolean abandoned(Path socket) {
        try (var _ = LocalSocket.connect(socket)) {
            return false;
        } catch (TransferException e) {
            return e.code() == ErrorCode.UNREACHABLE;
        }
    }

    private static boolean old(Path file) throws IOException {
        return Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS)
                .toInstant()
                .isBefore(Instant.now().minus(UNFINISHED_FOR));
    }
}
