package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.spi.KvModel;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The two messages of the handshake. The connecting side says hello with everything it offers; the
 * accepting side answers with its choice, or with a refusal ({@link ControlMessages#REJECT}).
 *
 * @param name of the sending node
 * @param incarnation of the sending node
 * @param bounds what it may be asked to take in
 * @param lanes how many it wants (hello), how many there will be (answer)
 * @param requiredPath the one path that it accepts, or empty text
 * @param paths what it offers (hello), the one that was chosen (answer), best first
 * @param rejected paths that are not to be had, with reasons
 * @param reason why the path was chosen (answer)
 * @param token that lanes prove themselves with (answer)
 * @param codecs what it takes, best first (hello), the one that was chosen (answer)
 * @param caches what it has registered
 * @param regions what it has registered
 */
@SuppressWarnings("ArrayRecordComponent") // a message: made, encoded, dropped; never compared
record Hello(
        String name,
        long incarnation,
        Bounds bounds,
        int lanes,
        String requiredPath,
        List<Offer> paths,
        List<Refusal> rejected,
        String reason,
        byte[] token,
        Codecs codecs,
        List<RemoteCache> caches,
        List<RemoteRegion> regions) {
    static final int MAGIC = 0x4557564B; // "KVWE"
    static final int VERSION = 1;
    private static final int MAX_PATHS = 16;
    private static final int MAX_ENDPOINT_BYTES = 4096;
    private static final int MAX_TEXT_BYTES = 4096;
    private static final int MAX_CODEC_NAME_BYTES = 255;

    /**
     * What a node takes in at most, so that the other side never sends more.
     *
     * @param transfers at one time, in either direction
     * @param windowBytes payload that is not yet confirmed
     * @param frameBytes payload of one frame
     * @param controlBytes one control message
     * @param notificationBytes one notification
     */
    record Bounds(
            int transfers,
            long windowBytes,
            int frameBytes,
            int controlBytes,
            int notificationBytes) {

        static Bounds of(Limits limits) {
            return new Bounds(
                    limits.maxTransfersPerPeer(),
                    limits.windowBytes(),
                    limits.maxFramePayloadBytes(),
                    limits.maxControlBytes(),
                    limits.maxNotificationBytes());
        }

        /** What both nodes take in. */
        Bounds and(Bounds other) {
            return new Bounds(
                    Math.min(transfers, other.transfers),
                    Math.min(windowBytes, other.windowBytes),
                    Math.min(frameBytes, other.frameBytes),
                    Math.min(controlBytes, other.controlBytes),
                    Math.min(notificationBytes, other.notificationBytes));
        }

        private static Bounds read(MessageReader in) {
            var bounds = new Bounds(in.u32(), in.u64(), in.u32(), in.u32(), in.u32());
            if (bounds.transfers < 1
                    || bounds.transfers > 1 << Slots.SLOT_BITS
                    || bounds.windowBytes < 1
                    || bounds.frameBytes < 1
                    || bounds.controlBytes < 1
                    || bounds.notificationBytes < 0) {
                throw MessageReader.malformed("hello with " + bounds);
            }
            return bounds;
        }
    }

    /**
     * How blocks may look.
     *
     * @param names of codecs, best first
     * @param automatic whether the sender of this message decides by measured rates
     * @param model what the values of its caches mean
     */
    record Codecs(List<String> names, boolean automatic, KvModel model) {
        static Codecs of(CodecConfig config) {
            return new Codecs(config.names(), config.automatic(), config.model());
        }

        private void write(MessageWriter out) {
            out.u32(names.size());
            names.forEach(out::text);
            out.u8(automatic ? 1 : 0)
                    .u64(model.fingerprintHigh())
                    .u64(model.fingerprintLow())
                    .u8(model.ropeApplied() ? 1 : 0);
        }

        private static Codecs read(MessageReader in) {
            var names = new ArrayList<String>();
            for (int i = in.count(CodecConfig.MAX_CODECS, 4); i > 0; i--) {
                names.add(in.text(MAX_CODEC_NAME_BYTES));
            }
            int automatic = in.u8();
            long high = in.u64();
            long low = in.u64();
            int rope = in.u8();
            if (names.isEmpty() || automatic > 1 || rope > 1) {
                throw MessageReader.malformed("hello with codecs " + names);
            }
            return new Codecs(names, automatic == 1, new KvModel(high, low, rope == 1));
        }
    }

    /** A path with what is needed to reach it. */
    @SuppressWarnings("ArrayRecordComponent") // opaque bytes, never compared
    record Offer(String path, byte[] endpoint) {}

    /** A path that is not to be had. */
    record Refusal(String path, String reason) {}

    ByteBuffer encode(int type) {
        var out =
                new MessageWriter(type)
                        .u32(MAGIC)
                        .u32(VERSION)
                        .text(name)
                        .u64(incarnation)
                        .u32(bounds.transfers)
                        .u64(bounds.windowBytes)
                        .u32(bounds.frameBytes)
                        .u32(bounds.controlBytes)
                        .u32(bounds.notificationBytes)
                        .u32(lanes)
                        .text(requiredPath)
                        .u32(paths.size());
        paths.forEach(offer -> out.text(offer.path).bytes(offer.endpoint));
        out.u32(rejected.size());
        rejected.forEach(refusal -> out.text(refusal.path).text(refusal.reason));
        out.text(reason).bytes(token);
        codecs.write(out);
        out.u32(caches.size());
        caches.forEach(cache -> write(out, cache));
        out.u32(regions.size());
        regions.forEach(region -> write(out, region));
        return out.message();
    }

    /** Reads what {@link #encode} wrote, after magic and version were checked. */
    static Hello decode(MessageReader in, Limits limits) {
        var name = in.text(1020);
        long incarnation = in.u64();
        var bounds = Bounds.read(in);
        int lanes = in.u32();
        if (name.isBlank() || lanes < 1 || lanes > NodeConfig.MAX_LANES) {
            throw MessageReader.malformed("hello of '" + name + "' with " + lanes + " lanes");
        }
        var required = in.text(MAX_TEXT_BYTES);
        var paths = new ArrayList<Offer>();
        for (int i = in.count(MAX_PATHS, 8); i > 0; i--) {
            paths.add(new Offer(in.text(MAX_TEXT_BYTES), in.bytes(MAX_ENDPOINT_BYTES)));
        }
        var rejected = new ArrayList<Refusal>();
        for (int i = in.count(MAX_PATHS, 8); i > 0; i--) {
            rejected.add(new Refusal(in.text(MAX_TEXT_BYTES), in.text(MAX_TEXT_BYTES)));
        }
        var reason = in.text(MAX_TEXT_BYTES);
        byte[] token = in.bytes(64);
        var codecs = Codecs.read(in);
        var caches = new ArrayList<RemoteCache>();
        for (int i = in.count(limits.maxRegions(), 41); i > 0; i--) {
            caches.add(readCache(in, incarnation));
        }
        var regions = new ArrayList<RemoteRegion>();
        for (int i = in.count(limits.maxRegions(), 17); i > 0; i--) {
            regions.add(readRegion(in));
        }
        in.end();
        return new Hello(
                name,
                incarnation,
                bounds,
                lanes,
                required,
                paths,
                rejected,
                reason,
                token,
                codecs,
                caches,
                regions);
    }

    /** The announcement of a cache that was registered after the handshake. */
    static ByteBuffer message(RemoteCache cache) {
        var out = new MessageWriter(ControlMessages.CACHE);
        write(out, cache);
        return out.message();
    }

    /** The announcement of a region that was registered after the handshake. */
    static ByteBuffer message(RemoteRegion region) {
        var out = new MessageWriter(ControlMessages.REGION);
        write(out, region);
        return out.message();
    }

    private static void write(MessageWriter out, RemoteCache cache) {
        var layout = cache.layout();
        out.u32(cache.id())
                .text(cache.name())
                .u32(layout.layers())
                .u32(layout.kvHeads())
                .u32(layout.headDim())
                .u32(layout.tokensPerBlock())
                .choice(layout.dtype())
                .choice(layout.order())
                .choice(layout.form())
                .u32(layout.tensorParallel().rank())
                .u32(layout.tensorParallel().size())
                .u32(cache.blocks())
                .choice(cache.access());
        Scales.write(out, layout);
    }

    static RemoteCache readCache(MessageReader in, long incarnation) {
        int id = in.u32();
        var name = in.text(1020);
        int layers = in.u32();
        int kvHeads = in.u32();
        int headDim = in.u32();
        int tokensPerBlock = in.u32();
        var dtype = in.choice(DType.values());
        var order = in.choice(KvOrder.values());
        var form = in.choice(KvForm.values());
        int rank = in.u32();
        int size = in.u32();
        int blocks = in.u32();
        var access = in.choice(Access.values());
        if (id < 1 || blocks < 1) {
            throw MessageReader.malformed("cache " + id + " of " + blocks + " blocks");
        }
        try {
            var layout =
                    KvLayout.builder()
                            .layers(layers)
                            .kvHeads(kvHeads)
                            .headDim(headDim)
                            .tokensPerBlock(tokensPerBlock)
                            .dtype(dtype)
                            .order(order)
                            .form(form)
                            .tensorParallel(rank, size)
                            .build();
            var scaled = layout.withScales(Scales.read(in, layout));
            return new RemoteCache(id, name, scaled, blocks, access, incarnation);
        } catch (IllegalArgumentException e) {
            throw MessageReader.malformed("layout of cache '" + name + "': " + e.getMessage());
        }
    }

    private static void write(MessageWriter out, RemoteRegion region) {
        out.u32(region.id())
                .u32(region.generation())
                .u64(region.byteSize())
                .choice(region.access());
    }

    static RemoteRegion readRegion(MessageReader in) {
        int id = in.u32();
        int generation = in.u32();
        long size = in.u64();
        var access = in.choice(Access.values());
        if (id < 1 || size < 0) {
            throw MessageReader.malformed("region " + id + " of " + size + " bytes");
        }
        return new RemoteRegion(id, generation, size, access);
    }
}
