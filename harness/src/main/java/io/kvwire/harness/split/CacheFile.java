package io.kvwire.harness.split;

import io.kvwire.codec.KvFrames;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.Slab;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A request's cache in a file: saved by one process, loaded by another. This is how the original
 * prototype moved it, kept as the baseline that every wire is measured against.
 *
 * <p>The frames of docs/spec/kv-frame.md, one behind the other: layer by layer, tokens in order, in
 * whatever codec the two ends have agreed on. A file appears under its name only when it is
 * complete. Loading checks each frame as a whole before any of it is used; on an error the blocks
 * may hold a part of the cache and must not be used.
 *
 * <p>Both ends must have the same layout and the same model. Not thread-safe for one file.
 */
final class CacheFile {
    private CacheFile() {}

    /**
     * Saves a cache.
     *
     * @param file to create or replace
     * @param frames of the cache
     * @return the bytes of K and V saved
     * @throws IOException when the file cannot be written
     */
    static long save(Path file, CacheFrames frames) throws IOException {
        var unfinished = file.resolveSibling(file.getFileName() + ".part");
        try (var out =
                FileChannel.open(
                        unfinished,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            for (var slab : frames.slabs()) {
                long bytes = frames.encode(slab);
                writeFully(out, frames.room().asSlice(0, bytes).asByteBuffer());
            }
        }
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        return bytes(frames);
    }

    /**
     * Loads what {@link #save} wrote.
     *
     * @param file to read
     * @param frames that are wanted
     * @return the bytes of K and V loaded
     * @throws IOException when the file cannot be read
     * @throws TransferException with {@link ErrorCode#MALFORMED} or {@link ErrorCode#CORRUPT} when
     *     it is not such a file or is damaged, {@link ErrorCode#INCOMPATIBLE_LAYOUT} when it holds
     *     anything else than is wanted
     */
    static long load(Path file, CacheFrames frames) throws IOException {
        try (var in = FileChannel.open(file, StandardOpenOption.READ)) {
            for (var slab : frames.slabs()) {
                load(in, file, frames, slab);
            }
            if (in.position() != in.size()) {
                throw damaged(ErrorCode.MALFORMED, file, "something follows its last frame", null);
            }
        }
        return bytes(frames);
    }

    private static void load(FileChannel in, Path file, CacheFrames frames, Slab slab)
            throws IOException {
        readFully(in, file, frames.room().asSlice(0, KvFrames.HEADER_BYTES));
        long bytes = frameBytes(file, frames.room());
        if (bytes > frames.room().byteSize()) {
            throw another(file, "a frame of " + bytes + " bytes", null);
        }
        readFully(
                in,
                file,
                frames.room().asSlice(KvFrames.HEADER_BYTES, bytes - KvFrames.HEADER_BYTES));
        try {
            frames.decode(slab, bytes);
        } catch (TransferException e) {
            // The header is a right one by now: what it says is not what is wanted.
            throw e.code() == ErrorCode.MALFORMED
                    ? another(file, e.getMessage(), e)
                    : damaged(e.code(), file, e.getMessage(), e);
        }
    }

    private static long frameBytes(Path file, MemorySegment header) {
        try {
            return KvFrames.bytes(header);
        } catch (TransferException e) {
            throw damaged(e.code(), file, e.getMessage(), e);
        }
    }

    private static long bytes(CacheFrames frames) {
        return frames.slabs().stream().mapToLong(Slab::rawBytes).sum();
    }

    private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static void readFully(FileChannel in, Path file, MemorySegment room)
            throws IOException {
        var bytes = room.asByteBuffer();
        while (bytes.hasRemaining()) {
            if (in.read(bytes) < 0) {
                throw damaged(ErrorCode.MALFORMED, file, "it ends too early", null);
            }
        }
    }

    private static TransferException damaged(
            ErrorCode code, Path file, String why, Throwable cause) {
        return new TransferException(
                code, file + " is no saved KV cache: " + why + "; save it again", cause);
    }

    private static TransferException another(Path file, String why, Throwable cause) {
        return new TransferException(
                ErrorCode.INCOMPATIBLE_LAYOUT,
                file
                        + " holds another cache than is wanted ("
                        + why
                        + "): a file needs the same model, layout and codec at both ends",
                cause);
    }
}
