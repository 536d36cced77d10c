package io.kvwire.codec;

import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;

import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * LZ4 blocks, made and read in memory of its own, so that frames may lie anywhere. Confined to one
 * thread.
 */
final class Lz4 {
    /**
     * The most bytes that one byte of a block stands for: each byte of the length of a match adds
     * 255 at most.
     */
    static final long MOST_EXPANSION = 255;

    private static final LZ4Factory FACTORY = factory();

    private final LZ4Compressor compressor = FACTORY.fastCompressor();
    // The one that checks every length: blocks come from a peer.
    private final LZ4SafeDecompressor decompressor = FACTORY.safeDecompressor();
    private final Buffer plain = new Buffer();
    private final Buffer block = new Buffer();

    private static LZ4Factory factory() {
        try {
            return LZ4Factory.nativeInstance();
        } catch (LinkageError | RuntimeException e) {
            System.getLogger(Lz4.class.getName())
                    .log(
                            Level.WARNING,
                            "No native LZ4 for this system, frames are compressed in Java, slowly",
                            e);
            return LZ4Factory.safeInstance();
        }
    }

    /** {@return memory for so many plain bytes, which {@link #compress} reads from its start} */
    MemorySegment plain(int bytes) {
        return plain.ofBytes(bytes);
    }

    /** {@return memory for a block of so many bytes, which {@link #decompress} reads} */
    MemorySegment block(int bytes) {
        return block.ofBytes(bytes);
    }

    /**
     * Compresses the plain bytes into the block.
     *
     * @return the bytes of the block, perhaps more than before
     */
    int compress(int bytes) {
        int most = compressor.maxCompressedLength(bytes);
        block.ofBytes(most);
        return compressor.compress(plain.view, 0, bytes, block.view, 0, most);
    }

    /**
     * Decompresses the block into the plain bytes.
     *
     * @return whether it was a block of exactly so many plain bytes
     */
    boolean decompress(int blockBytes, int plainBytes) {
        plain.ofBytes(plainBytes);
        try {
            int read =
                    decompressor.decompress(block.view, 0, blockBytes, plain.view, 0, plainBytes);
            return read == plainBytes;
        } catch (LZ4Exception e) {
            return false;
        }
    }

    /** Memory and its view, which is made anew only when the memory grows. */
    private static final class Buffer {
        private final Scratch scratch = new Scratch();
        private MemorySegment memory = MemorySegment.NULL;
        private ByteBuffer view = ByteBuffer.allocateDirect(0);

        MemorySegment ofBytes(int bytes) {
            var enough = scratch.ofBytes(bytes);
            if (enough != memory) {
                memory = enough;
                view = memory.asByteBuffer();
            }
            return memory;
        }
    }
}
