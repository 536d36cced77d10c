package io.kvwire.harness.split;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A request's cache in a file: saved by one process, loaded by another. This is how the original
 * prototype moved it, kept as the baseline that every wire is measured against.
 *
 * <p>Whole blocks in the order of the table, layer by layer, K before V, behind a header with
 * layout, model and CRC32C of everything after it. A file appears under its name only when it is
 * complete. Loading checks lengths before it reads, and the checksum before it returns; on an error
 * the blocks hold anything and must not be used.
 *
 * <p>Both ends must have the same layout. Not thread-safe for one file.
 */
final class CacheFile {
    private static final long MAGIC = 0x3130_4556_4B57_564BL;
    private static final int FIXED_BYTES = 8 + 4 + 4 + 4;
    private static final int MAX_TEXT = 4096;

    private CacheFile() {}

    /**
     * Finds a file that a peer has named.
     *
     * @param folder the only place where it may lie
     * @param name a plain file name
     * @return the file
     * @throws TransferException with {@link ErrorCode#ACCESS_DENIED} when the name leads elsewhere
     */
    static Path inside(Path folder, String name) {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) {
            throw new TransferException(
                    ErrorCode.ACCESS_DENIED,
                    "the decode node names a file that is no plain name of letters, digits, '.',"
                            + " '_' and '-'");
        }
        return folder.resolve(name);
    }

    /**
     * Saves the first tokens of a request.
     *
     * @param file to create or replace
     * @param memory holds the cache
     * @param table the request's blocks
     * @param tokens how many to save, in whole blocks
     * @param fingerprint of the model
     * @return the bytes of K and V saved
     * @throws IOException when the file cannot be written
     */
    static long save(
            Path file, CacheMemory memory, BlockTable table, int tokens, String fingerprint)
            throws IOException {
        var text = describe(memory.layout(), tokens, fingerprint);
        try (var staging = Arena.ofConfined()) {
            var parts = HostParts.of(memory, runs(memory, table, tokens), staging);
            parts.fetch();
            return save(file, text, tokens, parts.bytes());
        }
    }

    private static long save(Path file, byte[] text, int tokens, List<ByteBuffer> parts)
            throws IOException {
        var sum = new CRC32C();
        for (var part : parts) {
            sum.update(part.duplicate());
        }
        var header = ByteBuffer.allocate(FIXED_BYTES + text.length).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(MAGIC).putInt(tokens).putInt((int) sum.getValue()).putInt(text.length);
        header.put(text).flip();
        var unfinished = file.resolveSibling(file.getFileName() + ".part");
        try (var out =
                FileChannel.open(
                        unfinished,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            writeFully(out, header);
            for (var part : parts) {
                writeFully(out, part);
            }
        }
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        return bytes(parts);
    }

    /**
     * Loads what {@link #save} wrote.
     *
     * @param file to read
     * @param memory where the cache goes
     * @param table the request's blocks there
     * @param tokens that are wanted
     * @param fingerprint of the model that will use them
     * @return the bytes of K and V loaded
     * @throws IOException when the file cannot be read
     * @throws TransferException with {@link ErrorCode#MALFORMED}, {@link
     *     ErrorCode#INCOMPATIBLE_LAYOUT} or {@link ErrorCode#CORRUPT} when it is not such a file
     */
    static long load(
            Path file, CacheMemory memory, BlockTable table, int tokens, String fingerprint)
            throws IOException {
        try (var in = FileChannel.open(file, StandardOpenOption.READ);
                var staging = Arena.ofConfined()) {
            int expected = header(in, file, describe(memory.layout(), tokens, fingerprint), tokens);
            var onHost = HostParts.of(memory, runs(memory, table, tokens), staging);
            var parts = onHost.bytes();
            long rest = in.size() - in.position();
            if (rest != bytes(parts)) {
                throw malformed(file, "it holds " + rest + " bytes of " + bytes(parts));
            }
            var sum = new CRC32C();
            for (var part : parts) {
                var landed = part.duplicate();
                readFully(in, file, part);
                sum.update(landed);
            }
            if ((int) sum.getValue() != expected) {
                throw new TransferException(
                        ErrorCode.CORRUPT,
                        file + " is damaged: its checksum is not that of its bytes; save it again");
            }
            onHost.bring();
            return bytes(parts);
        }
    }

    private static int header(FileChannel in, Path file, byte[] own, int tokens)
            throws IOException {
        var fixed = ByteBuffer.allocate(FIXED_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        readFully(in, file, fixed);
        fixed.flip();
        if (fixed.getLong() != MAGIC) {
            throw malformed(file, "it does not begin like one");
        }
        int saved = fixed.getInt();
        int sum = fixed.getInt();
        int length = fixed.getInt();
        if (length < 0 || length > MAX_TEXT) {
            throw malformed(file, "its header claims " + length + " bytes");
        }
        var text = ByteBuffer.allocate(length);
        readFully(in, file, text);
        var theirs = new String(text.array(), StandardCharsets.UTF_8);
        var ours = new String(own, StandardCharsets.UTF_8);
        if (saved != tokens || !theirs.equals(ours)) {
            throw new TransferException(
                    ErrorCode.INCOMPATIBLE_LAYOUT,
                    file
                            + " holds '"
                            + theirs
                            + "', but '"
                            + ours
                            + "' is wanted: a file needs the same model and layout at both ends");
        }
        return sum;
    }

    private static byte[] describe(KvLayout layout, int tokens, String fingerprint) {
        return (tokens + " tokens, model " + fingerprint + ", " + layout.describe())
                .getBytes(StandardCharsets.UTF_8);
    }

    /** The bytes of each layer's K and V, neighbouring blocks joined. */
    private static List<MemorySegment> runs(CacheMemory memory, BlockTable table, int tokens) {
        int blocks = memory.layout().blocksFor(tokens);
        long length = memory.layout().partBytes();
        var parts = new ArrayList<MemorySegment>();
        for (LayerPlacement layer : memory.placement()) {
            boolean dense = layer.blockStride() == length;
            for (long base : new long[] {layer.keyOffset(), layer.valueOffset()}) {
                for (int first = 0; first < blocks; ) {
                    int next = first + 1;
                    while (dense && next < blocks && table.id(next) == table.id(next - 1) + 1) {
                        next++;
                    }
                    long offset = base + table.id(first) * layer.blockStride();
                    parts.add(layer.key().asSlice(offset, (next - first) * length));
                    first = next;
                }
            }
        }
        return parts;
    }

    private static long bytes(List<ByteBuffer> parts) {
        return parts.stream().mapToLong(ByteBuffer::capacity).sum();
    }

    private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static void readFully(FileChannel in, Path file, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            if (in.read(bytes) < 0) {
                throw malformed(file, "it ends too early");
            }
        }
    }

    private static TransferException malformed(Path file, String why) {
        return new TransferException(
                ErrorCode.MALFORMED, file + " is no saved KV cache: " + why + "; save it again");
    }
}
