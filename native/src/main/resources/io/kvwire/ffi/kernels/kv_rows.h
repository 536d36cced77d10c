/*
 * Moves rows of a paged KV cache in one layer: rows scattered over the cache's blocks on one side,
 * the dense order of a frame (docs/spec/kv-frame.md) on the other; as they are, or as INT8 codes.
 * One source for OpenCL C and CUDA C; opencl.h or cuda.h goes in front of it.
 *
 * A row is the elements of one token, head and part (K or V). The cache's block size and strides
 * and the frame's block size and order are independent, so a change between NHD and HND or of the
 * block size costs no pass of its own.
 *
 * Launch geometry of every kernel: one dimension, groups of 128 threads.
 *   kv_gather, kv_scatter, kv_quantise_gather, kv_dequantise_scatter:
 *       a group for each 32 rows, ceil(rows.count / 32) groups;
 *   kv_take_unscaled, kv_place_unscaled: a group for each row of the list.
 *
 * Arguments that kernels share:
 *   rows    where rows are, below;
 *   keys    memory that rows.key_offset counts from; holds the latent where there is one part;
 *   values  memory that rows.value_offset counts from; may be the same as keys;
 *   table   for each block of the request, from its token 0, the block's number in the cache. Only
 *           the blocks of the rows' tokens are read. Nothing here checks it: the caller has;
 *   codes   rows.count * rows.dim bytes, in the order of the frame, at a multiple of 4 bytes;
 *   scales  rows.count numbers; +0 for a row that no scale fits;
 *   list    numbers of rows without a scale, ascending;
 *   auxiliary  for each row of the list, its bytes behind the first rows.dim.
 */

/* Eight-byte fields first, so that every compiler lays it out alike. io.kvwire.ffi.kernels.KvRows writes it. */
typedef struct {
    long key_offset;   /* bytes from keys to block 0, token 0, first head of the frame */
    long value_offset; /* bytes from values to the same of V */
    long block_stride; /* bytes between blocks of the cache */
    long token_stride; /* bytes between tokens of a block */
    long head_stride;  /* bytes between heads of a token */
    uint count;        /* rows: parts * tokens * heads */
    int parts;         /* 2 for K and V, 1 for a latent */
    int first_token;   /* of the frame, in the request */
    int tokens;
    int heads;
    int dim;                    /* elements of a row */
    int element_bytes;          /* 1, 2 or 4 */
    int dtype;                  /* of rows to quantise: 0 FP32, 1 FP16, 2 BF16 */
    int cache_tokens_per_block; /* of the paged cache */
    int frame_tokens_per_block; /* of the frame's order */
    int frame_flags;            /* bit 0: head-major (HND); bit 1: K and V of a block together */
    int alignment; /* power of two up to 16 that divides every offset, stride and row in bytes */
} KvRows;

#define KV_ROWS_OF_GROUP 32
#define KV_THREADS_OF_GROUP 128
#define KV_TEAM 32
#define KV_HEAD_MAJOR 1
#define KV_FUSED 2
#define KV_FP32 0
#define KV_FP16 1

/* Bytes from keys or values to a row of the cache, twice, plus 1 where it is a row of V. */
KV_DEVICE long kv_place(KvRows rows, KV_GLOBAL const int *table, uint row) {
    int fused = (rows.frame_flags & KV_FUSED) != 0;
    uint of_part = (uint) rows.tokens * (uint) rows.heads;
    uint part = fused ? 0 : row / of_part;
    uint rest = fused ? row : row - part * of_part;
    uint in_token = (uint) rows.heads * (fused ? (uint) rows.parts : 1u);

    /* The frame's first block may be partial: its tokens start behind the block's first. */
    int size = rows.frame_tokens_per_block;
    int start = 0;
    int tokens = min(rows.tokens, size - rows.first_token % size);
    if (rest >= (uint) tokens * in_token) {
        rest -= (uint) tokens * in_token;
        uint full = rest / ((uint) size * in_token);
        rest -= full * (uint) size * in_token;
        start = tokens + (int) full * size;
        tokens = min(size, rows.tokens - start);
    }
    uint body = (uint) tokens * (uint) rows.heads;
    if (fused) {
        part = rest / body;
        rest -= part * body;
    }
    int head_major = (rows.frame_flags & KV_HEAD_MAJOR) != 0;
    uint inner = head_major ? (uint) tokens : (uint) rows.heads;
    int slow = (int) (rest / inner);
    int fast = (int) (rest - (uint) slow * inner);
    int head = head_major ? slow : fast;
    int token = rows.first_token + start + (head_major ? fast : slow);

    int block = token / rows.cache_tokens_per_block;
    long offset = part == 0 ? rows.key_offset : rows.value_offset;
    offset += (long) table[block] * rows.block_stride;
    offset += (long) (token - block * rows.cache_tokens_per_block) * rows.token_stride;
    offset += (long) head * rows.head_stride;
    return offset * 2 + (long) part;
}

/* Finds the places of a group's rows once, rather than in each thread. */
KV_DEVICE void kv_places(KvRows rows, KV_GLOBAL const int *table, KV_LOCAL long *places) {
    uint row = KV_GROUP * KV_ROWS_OF_GROUP + KV_THREAD;
    if (KV_THREAD < KV_ROWS_OF_GROUP && row < rows.count) {
        places[KV_THREAD] = kv_place(rows, table, row);
    }
    KV_BARRIER();
}

KV_DEVICE KV_GLOBAL uchar *kv_at(long place, KV_GLOBAL uchar *keys, KV_GLOBAL uchar *values) {
    return ((place & 1) ? values : keys) + (place >> 1);
}

KV_DEVICE void kv_copy(
        KV_GLOBAL uchar *target, KV_GLOBAL const uchar *source, uint bytes) {
    switch (bytes) {
    case 16: *(KV_GLOBAL uint4 *) target = *(KV_GLOBAL const uint4 *) source; break;
    case 8: *(KV_GLOBAL uint2 *) target = *(KV_GLOBAL const uint2 *) source; break;
    case 4: *(KV_GLOBAL uint *) target = *(KV_GLOBAL const uint *) source; break;
    case 2: *(KV_GLOBAL ushort *) target = *(KV_GLOBAL const ushort *) source; break;
    default: *target = *source;
    }
}

/* Copies the rows of a group between the cache and the dense order. */
KV_DEVICE void kv_move(
        KvRows rows,
        KV_LOCAL const long *places,
        KV_GLOBAL uchar *keys,
        KV_GLOBAL uchar *values,
        KV_GLOBAL uchar *dense,
        int to_cache) {
    uint first = KV_GROUP * KV_ROWS_OF_GROUP;
    uint count = min((uint) KV_ROWS_OF_GROUP, rows.count - first);
    uint row_bytes = (uint) rows.dim * (uint) rows.element_bytes;
    uint piece = (uint) rows.alignment;
    uint pieces = row_bytes / piece;
    for (uint i = KV_THREAD; i < count * pieces; i += KV_THREADS_OF_GROUP) {
        uint row = i / pieces;
        uint inside = (i - row * pieces) * piece;
        KV_GLOBAL uchar *paged = kv_at(places[row], keys, values) + inside;
        KV_GLOBAL uchar *flat = dense + (long) (first + row) * row_bytes + inside;
        if (to_cache) {
            kv_copy(paged, flat, piece);
        } else {
            kv_copy(flat, paged, piece);
        }
    }
}

/* Copies rows as they are from the cache to dense memory, at a multiple of rows.alignment. */
KV_KERNEL kv_gather(
        KvRows rows,
        KV_GLOBAL uchar *keys,
        KV_GLOBAL uchar *values,
        KV_GLOBAL const int *table,
        KV_GLOBAL uchar *dense) {
    KV_SHARED long places[KV_ROWS_OF_GROUP];
    kv_places(rows, table, places);
    kv_move(rows, places, keys, values, dense, 0);
}

/* The reverse of kv_gather. */
KV_KERNEL kv_scatter(
        KvRows rows,
        KV_GLOBAL uchar *keys,
        KV_GLOBAL uchar *values,
        KV_GLOBAL const int *table,
        KV_GLOBAL uchar *dense) {
    KV_SHARED long places[KV_ROWS_OF_GROUP];
    kv_places(rows, table, places);
    kv_move(rows, places, keys, values, dense, 1);
}

KV_DEVICE float kv_widen(uint bits, int dtype) {
    if (dtype == KV_FP32) {
        return KV_FLOAT_OF(bits);
    }
    return dtype == KV_FP16 ? kv_widen_half((ushort) bits) : KV_FLOAT_OF(bits << 16);
}

/* To nearest, ties to even. The number is finite: codes times a scale are. */
KV_DEVICE uint kv_narrow(float number, int dtype) {
    uint bits = KV_BITS_OF(number);
    if (dtype == KV_FP32) {
        return bits;
    }
    return dtype == KV_FP16 ? kv_narrow_half(number) : (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
}

KV_DEVICE uint kv_load(KV_GLOBAL const uchar *row, int i, int dtype) {
    return dtype == KV_FP32 ? ((KV_GLOBAL const uint *) row)[i]
                            : ((KV_GLOBAL const ushort *) row)[i];
}

KV_DEVICE void kv_store(KV_GLOBAL uchar *row, int i, int dtype, uint bits) {
    if (dtype == KV_FP32) {
        ((KV_GLOBAL uint *) row)[i] = bits;
    } else {
        ((KV_GLOBAL ushort *) row)[i] = (ushort) bits;
    }
}

/* Whether four neighbouring elements are loaded and stored at once. */
KV_DEVICE int kv_by_four(KvRows rows) {
    return rows.dim % 4 == 0 && rows.alignment >= 4 * rows.element_bytes;
}

KV_DEVICE uint4 kv_load_four(KV_GLOBAL const uchar *row, int i, int dtype) {
    if (dtype == KV_FP32) {
        return *(KV_GLOBAL const uint4 *) (row + 4 * i);
    }
    uint2 two = *(KV_GLOBAL const uint2 *) (row + 2 * i);
    uint4 four;
    four.x = two.x & 0xFFFFu;
    four.y = two.x >> 16;
    four.z = two.y & 0xFFFFu;
    four.w = two.y >> 16;
    return four;
}

KV_DEVICE void kv_store_four(KV_GLOBAL uchar *row, int i, int dtype, uint4 four) {
    if (dtype == KV_FP32) {
        *(KV_GLOBAL uint4 *) (row + 4 * i) = four;
        return;
    }
    uint2 two;
    two.x = four.x | four.y << 16;
    two.y = four.z | four.w << 16;
    *(KV_GLOBAL uint2 *) (row + 2 * i) = two;
}

/* Bits of a magnitude: as integers they are in order, infinity above the numbers, NaN above all. */
KV_DEVICE uint kv_magnitude(uint bits, int dtype) {
    return KV_BITS_OF(kv_widen(bits, dtype)) & 0x7FFFFFFFu;
}

/* The largest magnitude of the elements of a row that are this lane's. */
KV_DEVICE uint kv_largest(KvRows rows, KV_GLOBAL const uchar *row, int lane) {
    uint largest = 0;
    if (kv_by_four(rows)) {
        for (int i = 4 * lane; i < rows.dim; i += 4 * KV_TEAM) {
            uint4 four = kv_load_four(row, i, rows.dtype);
            uint low = max(kv_magnitude(four.x, rows.dtype), kv_magnitude(four.y, rows.dtype));
            uint high = max(kv_magnitude(four.z, rows.dtype), kv_magnitude(four.w, rows.dtype));
            largest = max(largest, max(low, high));
        }
    } else {
        for (int i = lane; i < rows.dim; i += KV_TEAM) {
            largest = max(largest, kv_magnitude(kv_load(row, i, rows.dtype), rows.dtype));
        }
    }
    return largest;
}

/* The scale of a row: amax / 127, no less than the least normal number; 0 from 2^127 on. */
KV_DEVICE float kv_scale(uint largest) {
    if (largest >= 0x7F000000u) {
        return 0.0f;
    }
    float scale = KV_DIVIDE(KV_FLOAT_OF(largest), 127.0f);
    return scale < 1.17549435e-38f ? 1.17549435e-38f : scale;
}

KV_DEVICE uint kv_code(uint bits, int dtype, float scale) {
    return (uint) KV_NEAREST(KV_DIVIDE(kv_widen(bits, dtype), scale)) & 0xFFu;
}

KV_DEVICE void kv_quantise(
        KvRows rows, KV_GLOBAL const uchar *row, KV_GLOBAL uchar *codes, float scale, int lane) {
    if (kv_by_four(rows)) {
        for (int i = 4 * lane; i < rows.dim; i += 4 * KV_TEAM) {
            uint4 four = kv_load_four(row, i, rows.dtype);
            *(KV_GLOBAL uint *) (codes + i) = kv_code(four.x, rows.dtype, scale)
                    | kv_code(four.y, rows.dtype, scale) << 8
                    | kv_code(four.z, rows.dtype, scale) << 16
                    | kv_code(four.w, rows.dtype, scale) << 24;
        }
    } else {
        for (int i = lane; i < rows.dim; i += KV_TEAM) {
            codes[i] = (uchar) kv_code(kv_load(row, i, rows.dtype), rows.dtype, scale);
        }
    }
}

/*
 * Makes codes and scales of rows of the cache. A row with a NaN, an infinity or a magnitude of
 * 2^127 or more gets the scale +0 and its first bytes for codes, and is counted: unscaled, one
 * number, is 0 before. Where it is not 0 after, kv_take_unscaled gets the rest.
 */
KV_KERNEL kv_quantise_gather(
        KvRows rows,
        KV_GLOBAL uchar *keys,
        KV_GLOBAL uchar *values,
        KV_GLOBAL const int *table,
        KV_GLOBAL uchar *codes,
        KV_GLOBAL float *scales,
        KV_GLOBAL uint *unscaled) {
    KV_SHARED long places[KV_ROWS_OF_GROUP];
    KV_SHARED uint scratch[KV_THREADS_OF_GROUP];
    kv_places(rows, table, places);
    int lane = (int) (KV_THREAD % KV_TEAM);
    for (uint i = KV_THREAD / KV_TEAM; i < KV_ROWS_OF_GROUP; i += KV_THREADS_OF_GROUP / KV_TEAM) {
        uint row = KV_GROUP * KV_ROWS_OF_GROUP + i;
        int there = row < rows.count;
        KV_GLOBAL const uchar *source = there ? kv_at(places[i], keys, values) : keys;
        uint mine = there ? kv_largest(rows, source, lane) : 0;
        uint largest = kv_team_largest(mine, scratch);
        if (there) {
            float scale = kv_scale(largest);
            KV_GLOBAL uchar *target = codes + (long) row * rows.dim;
            if (lane == 0) {
                scales[row] = scale;
            }
            if (scale > 0.0f) {
                kv_quantise(rows, source, target, scale, lane);
            } else {
                for (int j = lane; j < rows.dim; j += KV_TEAM) {
                    target[j] = source[j];
                }
                if (lane == 0) {
                    KV_COUNT_ONE(unscaled);
                }
            }
        }
    }
}

/* A code is a signed byte, in the low bits. */
KV_DEVICE uint kv_element(uint code, int dtype, float scale) {
    return kv_narrow((float) (int) (signed char) (code & 0xFFu) * scale, dtype);
}

KV_DEVICE void kv_dequantise(
        KvRows rows, KV_GLOBAL const uchar *codes, KV_GLOBAL uchar *row, float scale, int lane) {
    if (kv_by_four(rows)) {
        for (int i = 4 * lane; i < rows.dim; i += 4 * KV_TEAM) {
            uint packed = *(KV_GLOBAL const uint *) (codes + i);
            uint4 four;
            four.x = kv_element(packed, rows.dtype, scale);
            four.y = kv_element(packed >> 8, rows.dtype, scale);
            four.z = kv_element(packed >> 16, rows.dtype, scale);
            four.w = kv_element(packed >> 24, rows.dtype, scale);
            kv_store_four(row, i, rows.dtype, four);
        }
    } else {
        for (int i = lane; i < rows.dim; i += KV_TEAM) {
            kv_store(row, i, rows.dtype, kv_element(codes[i], rows.dtype, scale));
        }
    }
}

/* Makes rows of the cache of codes and scales. Rows without a scale are left as they were. */
KV_KERNEL kv_dequantise_scatter(
        KvRows rows,
        KV_GLOBAL uchar *keys,
        KV_GLOBAL uchar *values,
        KV_GLOBAL const int *table,
        KV_GLOBAL const uchar *codes,
        KV_GLOBAL const float *scales) {
    KV_SHARED long places[KV_ROWS_OF_GROUP];
    kv_places(rows, table, places);
    int lane = (int) (KV_THREAD % KV_TEAM);
    for (uint i = KV_THREAD / KV_TEAM; i < KV_ROWS_OF_GROUP; i += KV_THREADS_OF_GROUP / KV_TEAM) {
        uint row = KV_GROUP * KV_ROWS_OF_GROUP + i;
        if (row < rows.count && scales[row] > 0.0f) {
            KV_GLOBAL uchar *target = kv_at(places[i], keys, values);
            kv_dequantise(rows, codes + (long) row * rows.dim, target, scales[row], lane);
        }
    }
}

/* Gathers the bytes of unscaled rows that are not among the codes. */
KV_KERNEL kv_take_unscaled(
        KvRows rows,
        KV_GLOBAL uchar *keys,
        KV_GLOBAL uchar *values,
        KV_GLOBAL const int *table,
        KV_GLOBAL const uint *list,
        KV_GLOBAL uchar *auxiliary) {
    KV_GLOBAL const uchar *source =
            kv_at(kv_place(rows, table, list[KV_GROUP]), keys, values) + rows.dim;
    uint rest = (uint) rows.dim * (uint) (rows.element_bytes - 1);
    KV_GLOBAL uchar *target = auxiliary + (long) KV_GROUP * rest;
    for (uint i = KV_THREAD; i < rest; i += KV_THREADS_OF_GROUP) {
        target[i] = source[i];
    }
}

/* Puts unscaled rows into the cache, from the codes and the auxiliary bytes. */
KV_KERNEL kv_place_unscaled(
        KvRows rows,
        KV_GLOBAL uchar *keys,
        KV_GLOBAL uchar *values,
        KV_GLOBAL const int *table,
        KV_GLOBAL const uint *list,
        KV_GLOBAL const uchar *codes,
        KV_GLOBAL const uchar *auxiliary) {
    KV_GLOBAL uchar *target = kv_at(kv_place(rows, table, list[KV_GROUP]), keys, values);
    KV_GLOBAL const uchar *first = codes + (long) list[KV_GROUP] * rows.dim;
    uint rest = (uint) rows.dim * (uint) (rows.element_bytes - 1);
    for (uint i = KV_THREAD; i < (uint) rows.dim; i += KV_THREADS_OF_GROUP) {
        target[i] = first[i];
    }
    for (uint i = KV_THREAD; i < rest; i += KV_THREADS_OF_GROUP) {
        target[rows.dim + i] = auxiliary[(long) KV_GROUP * rest + i];
    }
}
