package io.kvwire.tcp;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.FileRegion;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/**
 * Writes what an {@link Outlet} gathers. Without TLS it is a region of a file to Netty, which gives
 * it the socket to write to whenever that takes more, so that the bytes go straight from their
 * memory into one gathered write. With TLS they are copied on their way into the cipher.
 *
 * <p>Confined to the event loop, except for {@link #kick}.
 */
final class Pump implements FileRegion {
    private static final int TLS_CHUNK_BYTES = 64 << 10;

    private final Channel channel;
    private final Outlet outlet;
    private final Runnable turn = this::turn;

    /** With TLS, where plain bytes go in; null without. */
    private ChannelHandlerContext cipher;

    private boolean writing;
    private boolean more;
    private boolean ended;
    private long transferred;

    Pump(Channel channel, Outlet outlet) {
        this.channel = channel;
        this.outlet = outlet;
    }

    /** Writes through the handlers before this one from now on. */
    void encrypt(ChannelHandlerContext context) {
        cipher = context;
    }

    /** Makes the event loop look at the outlet; any thread. */
    void kick() {
        if (channel.eventLoop().inEventLoop()) {
            turn();
        } else {
            Connection.onLoop(channel, turn);
        }
    }

    /** Ends the outlet; nothing is written after this. */
    void end() {
        if (!ended) {
            ended = true;
            more = false;
            outlet.end();
        }
    }

    private void turn() {
        if (writing || ended || !channel.isActive()) {
            return;
        }
        more = prepare();
        if (!more) {
            return;
        }
        writing = true;
        if (cipher != null) {
            writeEncrypted();
        } else {
            channel.unsafe().write(this, channel.voidPromise());
            channel.unsafe().flush();
        }
    }

    private boolean prepare() {
        try {
            return outlet.prepare();
        } catch (RuntimeException e) {
            channel.pipeline().fireExceptionCaught(e);
            return false;
        }
    }

    private void writeEncrypted() {
        var chunk = channel.alloc().directBuffer(TLS_CHUNK_BYTES);
        long bytes = 0;
        while (outlet.gathered() && chunk.isWritable()) {
            var view = ((BufferPieces) outlet.pieces).first();
            int length = Math.min(view.remaining(), chunk.writableBytes());
            chunk.writeBytes(view.slice(view.position(), length));
            outlet.pieces.skip(length);
            bytes += length;
        }
        long copied = bytes;
        cipher.writeAndFlush(chunk)
                .addListener(done -> {
                    if (done.isSuccess() && !ended) {
                        // Still as writing: what is called back from here may kick.
                        outlet.advance(copied);
                    }
                    writing = false;
                    turn();
                });
    }

    @Override
    public long transferTo(WritableByteChannel socket, long position) throws IOException {
        if (!more) {
            return 0;
        }
        long written = outlet.pieces.writeTo(socket);
        transferred += written;
        outlet.advance(written);
        more = outlet.gathered() || prepare();
        return written;
    }

    @Override
    public long count() {
        return more ? Long.MAX_VALUE : transferred;
    }

    @Override
    public long transferred() {
        return transferred;
    }

    @Override
    @Deprecated
    public long transfered() {
        return transferred;
    }

    @Override
    public long position() {
        return 0;
    }

    /**
     * Called by Netty when it is done with this region, because nothing more is there or the socket
     * broke.
     */
    @Override
    public boolean release() {
        writing = false;
        return false;
    }

    @Override
    public boolean release(int decrement) {
        return release();
    }

    @Override
    public int refCnt() {
        return 1;
    }

    @Override
    public FileRegion retain() {
        return this;
    }

    @Override
    public FileRegion retain(int increment) {
        return this;
    }

    @Override
    public FileRegion touch() {
        return this;
    }

    @Override
    public FileRegion touch(Object hint) {
        return this;
    }
}
