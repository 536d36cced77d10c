package io.kvwire.harness.serve;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.Lease;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Hands out blocks, and keeps those of finished prompts for as long as nobody needs the room: a
 * prompt that begins alike uses them again, under a lease for as long as they are read. Confined to
 * the thread that computes.
 */
final class PrefixCache {
    /** Longer than any request takes; one that hangs holds its prefix no longer. */
    private static final long LEASE_NANOS = Duration.ofMinutes(10).toNanos();

    private final KvCache cache;
    private final int tokensPerBlock;

    /** Oldest first; the key is the whole blocks of a prompt. */
    private final Map<List<Integer>, Kept> kept = new LinkedHashMap<>(16, 0.75f, true);

    private int usedBlocks;
    private int leases;

    private static final class Kept {
        private final BlockTable table;
        private int readers;

        Kept(BlockTable table) {
            this.table = table;
        }
    }

    /**
     * The blocks of one request.
     *
     * @param blocks all of them, in order of tokens
     * @param own those that are its own
     * @param reusedTokens tokens at the start that are in place already
     * @param prefix whose blocks it shares; empty for none
     */
    @SuppressWarnings("ArrayRecordComponent") // Handed to the model as it is; compared by nobody.
    record Seat(int[] blocks, BlockTable own, int reusedTokens, Optional<Prefix> prefix) {}

    /**
     * A prefix that a request reads.
     *
     * @param prompt that it is of
     * @param lease that keeps it as it is
     */
    record Prefix(List<Integer> prompt, Lease lease) {}

    PrefixCache(KvCache cache) {
        this.cache = cache;
        tokensPerBlock = cache.layout().tokensPerBlock();
    }

    /** Takes blocks for a prompt and what follows; empty when there is no room now. */
    Optional<Seat> take(long requestId, List<Integer> prompt, int tokens) {
        var from = longest(prompt);
        int shared = from.map(key -> sharedBlocks(key, prompt)).orElse(0);
        int needed = cache.layout().blocksFor(tokens) - shared;
        int[] blocks = new int[shared + needed];
        var prefix = from.map(key -> hold(requestId, key, blocks, shared));
        var own = cache.allocate(needed);
        while (own.isEmpty() && evict()) {
            own = cache.allocate(needed);
        }
        if (own.isEmpty()) {
            prefix.ifPresent(this::release);
            return Optional.empty();
        }
        usedBlocks += needed;
        for (int i = 0; i < needed; i++) {
            blocks[shared + i] = own.get().id(i);
        }
        return Optional.of(new Seat(blocks, own.get(), shared * tokensPerBlock, prefix));
    }

    /** Before there is room for the rest, which must not be made of these. */
    private Prefix hold(long requestId, List<Integer> prompt, int[] blocks, int count) {
        var found = kept.get(prompt);
        for (int i = 0; i < count; i++) {
            blocks[i] = found.table.id(i);
        }
        var held = cache.table(Arrays.copyOf(blocks, count));
        found.readers++;
        leases++;
        return new Prefix(prompt, cache.lease(requestId, held, LEASE_NANOS));
    }

    private void release(Prefix prefix) {
        prefix.lease().close();
        kept.get(prefix.prompt()).readers--;
        leases--;
    }

    /** The kept prompt that shares the most whole blocks with a prompt, if any shares one. */
    private Optional<List<Integer>> longest(List<Integer> prompt) {
        Optional<List<Integer>> best = Optional.empty();
        int most = 0;
        for (var key : kept.keySet()) {
            int shared = sharedBlocks(key, prompt);
            if (shared > most) {
                most = shared;
                best = Optional.of(key);
            }
        }
        best.ifPresent(kept::get); // Used last, so evicted last.
        return best;
    }

    /** At least one token of a prompt is computed: its logits give the next. */
    private int sharedBlocks(List<Integer> key, List<Integer> prompt) {
        return Math.min(common(key, prompt), prompt.size() - 1) / tokensPerBlock;
    }

    /** {@return how many tokens two prompts share at their start} */
    static int common(List<Integer> one, List<Integer> other) {
        int most = Math.min(one.size(), other.size());
        for (int i = 0; i < most; i++) {
            if (!one.get(i).equals(other.get(i))) {
                return i;
            }
        }
        return most;
    }

    /** Gives a request's blocks back, or keeps them under its prompt. */
    void give(Seat seat, List<Integer> prompt) {
        usedBlocks -= seat.own().size();
        seat.prefix().ifPresent(this::release);
        var start = List.copyOf(prompt.subList(0, wholeBlocks(prompt) * tokensPerBlock));
        if (seat.prefix().isEmpty() && !start.isEmpty() && !kept.containsKey(start)) {
            kept.put(start, new Kept(seat.own()));
        } else {
            var _ = cache.retire(seat.own());
        }
    }

    /** Gives blocks back that nobody will want again. */
    void drop(Seat seat) {
        usedBlocks -= seat.own().size();
        seat.prefix().ifPresent(this::release);
        var _ = cache.retire(seat.own());
    }

    private int wholeBlocks(List<Integer> prompt) {
        return prompt.size() / tokensPerBlock;
    }

    private boolean evict() {
        for (var key : new ArrayList<>(kept.keySet())) {
            var oldest = kept.get(key);
            if (oldest.readers == 0) {
                kept.remove(key);
                var _ = cache.retire(oldest.table);
                return true;
            }
        }
        return false;
    }

    /** {@return blocks of requests that run, kept ones not counted} */
    int usedBlocks() {
        return usedBlocks;
    }

    /** {@return prefixes that are being read} */
    int leases() {
        return leases;
    }
}
