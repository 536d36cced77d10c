package io.kvwire.transport;

import java.util.ArrayList;
import java.util.List;

/**
 * Where each element of a dense cache lies, straight from the definition of the layouts: a block is
 * a row-major array, and so is the layer that holds the blocks. Shares nothing with the code under
 * test but the values of a layout.
 */
final class Elements {
    private final KvLayout layout;
    private final int capacity;
    private final int[] table;
    private final List<Integer> heads;

    Elements(KvLayout layout, int capacity, int[] table) {
        this.layout = layout;
        this.capacity = capacity;
        this.table = table.clone();
        this.heads = headsOf(layout);
    }

    /** The model's KV heads that a rank holds, in order. */
    static List<Integer> headsOf(KvLayout layout) {
        int rank = layout.tensorParallel().rank();
        int size = layout.tensorParallel().size();
        var held = new ArrayList<Integer>();
        for (int head = 0; head < layout.kvHeads(); head++) {
            boolean mine =
                    size <= layout.kvHeads()
                            ? head / (layout.kvHeads() / size) == rank
                            : rank / (size / layout.kvHeads()) == head;
            if (mine) {
                held.add(head);
            }
        }
        return held;
    }

    static int parts(KvLayout layout) {
        return layout.form() == KvForm.LATENT ? 1 : 2;
    }

    /** The bytes of the whole layer. */
    int layerBytes() {
        return capacity
                * parts(layout)
                * layout.tokensPerBlock()
                * heads.size()
                * layout.headDim()
                * layout.dtype().bytes();
    }

    /** The first byte of an element in the layer; the head is one of the model's. */
    int offset(int part, int token, int head, int dim) {
        int block = table[token / layout.tokensPerBlock()];
        int slot = token % layout.tokensPerBlock();
        int ownHead = heads.indexOf(head);
        int tokens = layout.tokensPerBlock();
        int body =
                switch (layout.order()) {
                    case NHD -> index(tokens, slot, heads.size(), ownHead, layout.headDim(), dim);
                    case HND -> index(heads.size(), ownHead, tokens, slot, layout.headDim(), dim);
                };
        int bodySize = tokens * heads.size() * layout.headDim();
        int element =
                switch (layout.form()) {
                    case SPLIT -> index(2, part, capacity, block, bodySize, body);
                    case FUSED -> index(capacity, block, 2, part, bodySize, body);
                    case LATENT -> index(1, 0, capacity, block, bodySize, body);
                };
        return element * layout.dtype().bytes();
    }

    /** The row-major index of {@code [i][j][k]} in an array of {@code [a][b][c]}. */
    private static int index(int a, int i, int b, int j, int c, int k) {
        if (i < 0 || i >= a || j < 0 || j >= b || k < 0 || k >= c) {
            throw new AssertionError("no such element");
        }
        return (i * b + j) * c + k;
    }

    /** What each byte of an element holds in tests: a hash of what it is, never of where it is. */
    static byte content(int part, int token, int head, int dim, int byteIndex) {
        int hash = part;
        hash = hash * 0x9E3779B1 + token;
        hash = hash * 0x9E3779B1 + head;
        hash = hash * 0x9E3779B1 + dim;
        hash = hash * 0x9E3779B1 + byteIndex;
        hash ^= hash >>> 15;
        hash *= 0x85EBCA6B;
        return (byte) (hash >>> 24);
    }

    /**
     * Writes the elements of some tokens of some of the model's heads into the memory of a layer.
     */
    void fill(byte[] layer, TokenRange tokens, List<Integer> someHeads) {
        for (int part = 0; part < parts(layout); part++) {
            for (int token = tokens.first(); token < tokens.end(); token++) {
                for (int head : someHeads) {
                    fillVector(layer, part, token, head);
                }
            }
        }
    }

    private void fillVector(byte[] layer, int part, int token, int head) {
        for (int dim = 0; dim < layout.headDim(); dim++) {
            int offset = offset(part, token, head, dim);
            for (int i = 0; i < layout.dtype().bytes(); i++) {
                layer[offset + i] = content(part, token, head, dim, i);
            }
        }
    }

    /**
     * The vectors of some tokens of some heads in the order in which a target layout stores them.
     */
    static List<Vector> wireOrder(KvLayout target, TokenRange tokens, List<Integer> someHeads) {
        var order = new ArrayList<Vector>();
        int firstBlock = tokens.first() / target.tokensPerBlock();
        int endBlock =
                tokens.count() == 0 ? firstBlock : (tokens.end() - 1) / target.tokensPerBlock() + 1;
        if (target.form() == KvForm.FUSED) {
            for (int block = firstBlock; block < endBlock; block++) {
                for (int part = 0; part < 2; part++) {
                    bodyOrder(target, tokens, someHeads, block, part, order);
                }
            }
        } else {
            for (int part = 0; part < parts(target); part++) {
                for (int block = firstBlock; block < endBlock; block++) {
                    bodyOrder(target, tokens, someHeads, block, part, order);
                }
            }
        }
        return order;
    }

    private static void bodyOrder(
            KvLayout target,
            TokenRange tokens,
            List<Integer> someHeads,
            int block,
            int part,
            List<Vector> order) {
        int first = Math.max(tokens.first(), block * target.tokensPerBlock());
        int end = Math.min(tokens.end(), (block + 1) * target.tokensPerBlock());
        if (target.order() == KvOrder.NHD) {
            for (int token = first; token < end; token++) {
                for (int head : someHeads) {
                    order.add(new Vector(part, token, head));
                }
            }
        } else {
            for (int head : someHeads) {
                for (int token = first; token < end; token++) {
                    order.add(new Vector(part, token, head));
                }
            }
        }
    }

    /** One head's K or V of one token. */
    record Vector(int part, int token, int head) {}

    /** A contiguous piece of memory. */
    record Run(long offset, long length) {}

    /** The vectors as pieces of this side's memory, each as long as possible. */
    List<Run> runs(List<Vector> vectors) {
        var runs = new ArrayList<Run>();
        long vectorBytes = (long) layout.headDim() * layout.dtype().bytes();
        for (var vector : vectors) {
            long offset = offset(vector.part(), vector.token(), vector.head(), 0);
            if (!runs.isEmpty() && runs.getLast().offset() + runs.getLast().length() == offset) {
                var last = runs.removeLast();
                runs.add(new Run(last.offset(), last.length() + vectorBytes));
            } else {
                runs.add(new Run(offset, vectorBytes));
            }
        }
        return runs;
    }
}
