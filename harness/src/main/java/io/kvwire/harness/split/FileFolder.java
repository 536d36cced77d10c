package io.kvwire.harness.split;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The folder that prefill and decode share for {@link TransferMode#FILE}. Files are in the codec
 * that the two have agreed on for their connection. Thread-safe.
 *
 * @param path of the folder
 * @param codecs of this half, with the options for what it saves
 */
record FileFolder(Path path, CodecConfig codecs) {
    private static final int HEX = 16;
    private static final int DIGITS = 16;

    /**
     * Finds a file that a peer has named.
     *
     * @param name a plain file name
     * @return the file, in this folder
     * @throws TransferException with {@link ErrorCode#ACCESS_DENIED} when the name leads elsewhere
     */
    Path inside(String name) {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) {
            throw new TransferException(
                    ErrorCode.ACCESS_DENIED,
                    "the decode node names a file that is no plain name of letters, digits, '.',"
                            + " '_' and '-'");
        }
        return path.resolve(name);
    }

    /** Saves what a request asks for; returns the bytes of K and V. */
    long save(Peer peer, SplitMessage.Prefill request, CacheMemory memory, BlockTable table)
            throws IOException {
        var file = inside(request.file());
        try (var frames = frames(peer, request, memory, table)) {
            return CacheFile.save(file, frames);
        }
    }

    /** Loads what a request has asked for; returns the bytes of K and V. */
    long load(Peer peer, SplitMessage.Prefill request, CacheMemory memory, BlockTable table) {
        var file = inside(request.file());
        try (var frames = frames(peer, request, memory, table)) {
            return CacheFile.load(file, frames);
        } catch (IOException e) {
            throw new TransferException(
                    ErrorCode.UNREACHABLE,
                    file + " cannot be loaded (" + e + "); do both processes share the folder?",
                    e);
        }
    }

    /** Deletes the file of a request, if it is there. */
    void delete(SplitMessage.Prefill request) {
        var file = inside(request.file());
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // The folder is the demo's own and goes away with it.
            file.toFile().deleteOnExit();
        }
    }

    private CacheFrames frames(
            Peer peer, SplitMessage.Prefill request, CacheMemory memory, BlockTable table) {
        var codec = codec(peer.path().codec(), request.fingerprint());
        return new CacheFrames(memory, table, request.requestId(), request.tokens().size(), codec);
    }

    /** {@return the codec of a name, with this half's options, for caches of a model} */
    KvCodec codec(String name, String fingerprint) {
        var options = codecs.options(name);
        return KvCodecProvider.create(
                options.isEmpty() ? name : name + "," + options, model(fingerprint));
    }

    /** The model keeps keys with the rotary embedding applied. */
    private static KvModel model(String fingerprint) {
        return new KvModel(
                Long.parseUnsignedLong(fingerprint, 0, DIGITS, HEX),
                Long.parseUnsignedLong(fingerprint, DIGITS, 2 * DIGITS, HEX),
                true);
    }
}
