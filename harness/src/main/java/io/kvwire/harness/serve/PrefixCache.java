package io.kvwire.harness.serve;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.KvCache;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Hands out blocks, and keeps those of finished prompts for as long as nobody needs the room: a
 * prompt that begins alike uses them again. Confined to the thread that computes.
 */
final class PrefixCache {
    private final KvCache cache;
    private final int tokensPerBlock;

    /** Oldest first; the key is the whole blocks of a prompt. */
    private final Map<List<Integer>, Kept> kept = new LinkedHashMap<>(16, 0.75f, true);

    private int usedBlocks;

    private static final class Kept {
        private final BlockTable table;
        private int users;

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
     * @param prefix whose blocks it shares; null for none
     */
    @SuppressWarnings("ArrayRecordComponent") // Handed to the model as it is; compared by nobody.
    record Seat(int[] blocks, BlockTable own, int reusedTokens, List<Integer> prefix) {}

    PrefixCache(KvCache cache) {
        this.cache = cache;
        tokensPerBlock = cache.layout().tokensPerBlock();
    }

    /** Takes blocks for a prompt and what follows; empty when there is no room now. */
    Optional<Seat> take(List<Integer> prompt, int tokens, boolean reuse) {
        var prefix = reuse ? longest(prompt) : null;
        var found = prefix == null ? null : kept.get(prefix);
        int shared = prefix == null ? 0 : sharedBlocks(prefix, prompt);
        int needed = cache.layout().blocksFor(tokens) - shared;
        if (found != null) {
            found.users++;
        }
        var own = cache.allocate(needed);
        while (own.isEmpty() && evict()) {
            own = cache.allocate(needed);
        }
        if (own.isEmpty()) {
            if (found != null) {
                found.users--;
            }
            return Optional.empty();
        }
        usedBlocks += needed;
        int[] blocks = new int[shared + needed];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = i < shared ? found.table.id(i) : own.get().id(i - shared);
        }
        return Optional.of(new Seat(blocks, own.get(), shared * tokensPerBlock, prefix));
    }

    /** The kept prompt that shares the most whole blocks with a prompt, or null. */
    private List<Integer> longest(List<Integer> prompt) {
        List<Integer> best = null;
        int most = 0;
        for (var key : kept.keySet()) {
            int shared = sharedBlocks(key, prompt);
            if (shared > most) {
                most = shared;
                best = key;
            }
        }
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
        if (seat.prefix() != null) {
            var shared = kept.get(seat.prefix());
            shared.users--;
        }
        var start = List.copyOf(prompt.subList(0, wholeBlocks(prompt) * tokensPerBlock));
        if (seat.prefix() == null && !start.isEmpty() && !kept.containsKey(start)) {
            kept.put(start, new Kept(seat.own()));
        } else {
            var _ = cache.retire(seat.own());
        }
    }

    /** Gives blocks back that nobody will want again. */
    void drop(Seat seat) {
        usedBlocks -= seat.own().size();
        if (seat.prefix() != null) {
            kept.get(seat.prefix()).users--;
        }
        var _ = cache.retire(seat.own());
    }

    private int wholeBlocks(List<Integer> prompt) {
        return prompt.size() / tokensPerBlock;
    }

    private boolean evict() {
        for (var key : new ArrayList<>(kept.keySet())) {
            var oldest = kept.get(key);
            if (oldest.users == 0) {
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
}
