/*
 * A small Llama over a paged KV cache, one kernel for each step of a layer. One source for OpenCL C
 * and CUDA C: opencl.h or cuda.h, then kv_rows.h, go in front of it.
 *
 * Every sum has one order, that of io.kvwire.harness.math.Kernels, and every operation rounds to
 * nearest: logits equal those of the CPU bit for bit where the device divides and takes roots
 * exactly, whatever its number of threads, the size of chunks, the block size or order.
 *
 * Launch geometry of every kernel: one dimension, groups of 128 threads, as many groups as "over"
 * says, the last of them partly idle:
 *   over N threads: ceil(N / 128) groups;
 *   over N teams: ceil(N / 8) groups, a team of 16 threads for each;
 *   over N groups: N groups.
 *
 * Matrices are in panels of 32 rows (outputs): row o, column k at
 * (o / 32 * columns + k) * 32 + o % 32; FP32, or BF16 where that is exact.
 * Activations are FP32, one row per token, row_stride apart. Strides and offsets count elements
 * there, and bytes in the cache.
 */

/* Outputs of one thread. Wide where a thread is a core with vectors, 1 where it is a lane. */
#ifndef LLAMA_WIDE
#define LLAMA_WIDE 1
#endif
/* Rows of activations of one thread: a weight is loaded once for all of them. */
#ifndef LLAMA_ROWS
#define LLAMA_ROWS 4
#endif

#define LLAMA_LANES 16
#define LLAMA_PANEL 32

#ifdef __OPENCL_VERSION__
#define LLAMA_FMA(a, b, c) fma(a, b, c)
#define LLAMA_ROOT(a) sqrt(a)
#define LLAMA_NAN(a) isnan(a)
#else
#define LLAMA_FMA(a, b, c) __fmaf_rn(a, b, c)
#define LLAMA_ROOT(a) __fsqrt_rn(a)
#define LLAMA_NAN(a) ((a) != (a))
#endif

KV_DEVICE long llama_thread(void) {
    return (long) KV_GROUP * KV_THREADS_OF_GROUP + KV_THREAD;
}

KV_DEVICE float llama_weight(KV_GLOBAL const uchar *weights, long at, int bf16) {
    return bf16 ? KV_FLOAT_OF((uint) ((KV_GLOBAL const ushort *) weights)[at] << 16)
                : ((KV_GLOBAL const float *) weights)[at];
}

/* io.kvwire.harness.math.Exp. */
KV_DEVICE float llama_power(int exponent) {
    return KV_FLOAT_OF((uint) (exponent + 127) << 23);
}

KV_DEVICE float llama_exp(float x) {
    if (x < -87.33654f) {
        return 0.0f;
    }
    if (x > 88.72283f) {
        return KV_FLOAT_OF(0x7F800000u);
    }
    float shifted = LLAMA_FMA(x, 1.442695f, 12582912.0f);
    float n = shifted - 12582912.0f;
    float r = LLAMA_FMA(n, 2.1219444e-4f, LLAMA_FMA(n, -0.6933594f, x));
    float p = LLAMA_FMA(1.9875691e-4f, r, 1.3981999e-3f);
    p = LLAMA_FMA(p, r, 8.333452e-3f);
    p = LLAMA_FMA(p, r, 4.1665796e-2f);
    p = LLAMA_FMA(p, r, 0.16666666f);
    p = LLAMA_FMA(p, r, 0.5f);
    float y = LLAMA_FMA(p, r * r, r) + 1.0f;
    int exponent = (int) (KV_BITS_OF(shifted) - KV_BITS_OF(12582912.0f));
    int half_of_it = exponent >> 1;
    return y * llama_power(half_of_it) * llama_power(exponent - half_of_it);
}

/* The sum of 16 lanes, in the one order; overwrites them. */
KV_DEVICE float llama_total(KV_LOCAL float *lanes) {
    for (int distance = LLAMA_LANES / 2; distance > 0; distance /= 2) {
        for (int j = 0; j < distance; j++) {
            lanes[j] += lanes[j + distance];
        }
    }
    return lanes[0];
}

/* Rows of the embedding for tokens. Over rows * columns threads. */
KV_KERNEL llama_embed(
        KV_GLOBAL const int *tokens,
        KV_GLOBAL const uchar *embedding,
        int bf16,
        int rows,
        int columns,
        KV_GLOBAL float *hidden) {
    long i = llama_thread();
    if (i < (long) rows * columns) {
        int token = tokens[i / columns];
        long panel = token / LLAMA_PANEL;
        long at = (panel * columns + i % columns) * LLAMA_PANEL + token % LLAMA_PANEL;
        hidden[i] = llama_weight(embedding, at, bf16);
    }
}

/* y = x / sqrt(mean(x^2) + epsilon) * weight, rows side by side. Over rows groups. */
KV_KERNEL llama_norm(
        KV_GLOBAL const float *x,
        KV_GLOBAL const float *weight,
        int first_row,
        int columns,
        float epsilon,
        KV_GLOBAL float *y) {
    KV_SHARED float lanes[LLAMA_LANES];
    KV_SHARED float scale[1];
    KV_GLOBAL const float *from = x + ((long) first_row + KV_GROUP) * columns;
    KV_GLOBAL float *to = y + (long) KV_GROUP * columns;
    if (KV_THREAD < LLAMA_LANES) {
        float sum = 0.0f;
        for (int c = (int) KV_THREAD; c < columns; c += LLAMA_LANES) {
            sum = LLAMA_FMA(from[c], from[c], sum);
        }
        lanes[KV_THREAD] = sum;
    }
    KV_BARRIER();
    if (KV_THREAD == 0) {
        float mean = KV_DIVIDE(llama_total(lanes), (float) columns);
        scale[0] = KV_DIVIDE(1.0f, LLAMA_ROOT(mean + epsilon));
    }
    KV_BARRIER();
    for (int c = (int) KV_THREAD; c < columns; c += KV_THREADS_OF_GROUP) {
        to[c] = from[c] * scale[0] * weight[c];
    }
}

/*
 * LLAMA_WIDE neighbouring outputs of up to LLAMA_ROWS rows: each output takes one multiply-add for
 * each column, in ascending order.
 */
KV_DEVICE void llama_product(
        KV_GLOBAL const float *x,
        int x_stride,
        int rows,
        KV_GLOBAL const uchar *weights,
        int bf16,
        int outputs,
        int columns,
        KV_GLOBAL float *y,
        int y_stride) {
    int wide = (outputs + LLAMA_WIDE - 1) / LLAMA_WIDE;
    long i = llama_thread();
    int first_row = (int) (i / wide) * LLAMA_ROWS;
    int first = (int) (i % wide) * LLAMA_WIDE;
    if (first_row >= rows) {
        return;
    }
    long strip = (long) (first / LLAMA_PANEL) * columns * LLAMA_PANEL + first % LLAMA_PANEL;
    float sums[LLAMA_ROWS][LLAMA_WIDE];
    KV_GLOBAL const float *row[LLAMA_ROWS];
    for (int r = 0; r < LLAMA_ROWS; r++) {
        /* Rows beyond the last are computed again rather than branched around. */
        row[r] = x + (long) min(first_row + r, rows - 1) * x_stride;
        for (int o = 0; o < LLAMA_WIDE; o++) {
            sums[r][o] = 0.0f;
        }
    }
    for (int k = 0; k < columns; k++) {
        float weight[LLAMA_WIDE];
        for (int o = 0; o < LLAMA_WIDE; o++) {
            weight[o] = llama_weight(weights, strip + (long) k * LLAMA_PANEL + o, bf16);
        }
        for (int r = 0; r < LLAMA_ROWS; r++) {
            float factor = row[r][k];
            for (int o = 0; o < LLAMA_WIDE; o++) {
                sums[r][o] = LLAMA_FMA(factor, weight[o], sums[r][o]);
            }
        }
    }
    for (int r = 0; r < LLAMA_ROWS; r++) {
        for (int o = 0; o < LLAMA_WIDE; o++) {
            if (first_row + r < rows && first + o < outputs) {
                y[(long) (first_row + r) * y_stride + first + o] = sums[r][o];
            }
        }
    }
}

/* y = x times a matrix. Over ceil(outputs / LLAMA_WIDE) * ceil(rows / LLAMA_ROWS) threads. */
KV_KERNEL llama_multiply_fp32(
        KV_GLOBAL const float *x,
        int x_stride,
        int rows,
        KV_GLOBAL const uchar *weights,
        int outputs,
        int columns,
        KV_GLOBAL float *y,
        int y_stride) {
    llama_product(x, x_stride, rows, weights, 0, outputs, columns, y, y_stride);
}

KV_KERNEL llama_multiply_bf16(
        KV_GLOBAL const float *x,
        int x_stride,
        int rows,
        KV_GLOBAL const uchar *weights,
        int outputs,
        int columns,
        KV_GLOBAL float *y,
        int y_stride) {
    llama_product(x, x_stride, rows, weights, 1, outputs, columns, y, y_stride);
}

/*
 * The rotary embedding of the first heads of each row, in place: element i turns with i + half.
 * angles: for each row the cosines, then the sines. Over rows * heads * half threads.
 */
KV_KERNEL llama_rotate(
        KV_GLOBAL float *x,
        int x_stride,
        KV_GLOBAL const float *angles,
        int rows,
        int heads,
        int half_dim) {
    long i = llama_thread();
    int row = (int) (i / ((long) heads * half_dim));
    if (row >= rows) {
        return;
    }
    int in_row = (int) (i % ((long) heads * half_dim));
    int pair = in_row % half_dim;
    KV_GLOBAL float *head = x + (long) row * x_stride + in_row / half_dim * 2 * half_dim;
    float cosine = angles[(long) row * 2 * half_dim + pair];
    float sine = angles[((long) row * 2 + 1) * half_dim + pair];
    float a = head[pair];
    float b = head[pair + half_dim];
    head[pair] = a * cosine - b * sine;
    head[pair + half_dim] = b * cosine + a * sine;
}

/* Where a layer of a cache lies. Written by io.kvwire.ffi.kernels.LlamaCache. */
typedef struct {
    long offset;       /* bytes from the memory to block 0, token 0, head 0 */
    long block_stride; /* bytes between blocks */
    long token_stride; /* bytes between tokens of a block */
    long head_stride;  /* bytes between heads of a token */
    int tokens_per_block;
    int heads; /* of K and V */
    int dim;   /* elements of a head */
    int dtype; /* 0 FP32, 1 FP16, 2 BF16 */
} LlamaCache;

KV_DEVICE long llama_place(
        LlamaCache cache, KV_GLOBAL const int *table, int position, int head) {
    int block = position / cache.tokens_per_block;
    int token = position - block * cache.tokens_per_block;
    return cache.offset + (long) table[block] * cache.block_stride
            + (long) token * cache.token_stride + (long) head * cache.head_stride;
}

KV_DEVICE float llama_load(KV_GLOBAL const uchar *row, int i, int dtype) {
    return kv_widen(kv_load(row, i, dtype), dtype);
}

/* A NaN stays one, as in io.kvwire.harness.math.ElementType: kv_narrow is for numbers alone. */
KV_DEVICE uint llama_narrow(float number, int dtype) {
    return LLAMA_NAN(number) && dtype != KV_FP32 && dtype != KV_FP16
            ? KV_BITS_OF(number) >> 16 | 0x40u
            : kv_narrow(number, dtype);
}

/*
 * Stores K or V of rows into the cache. from: elements of a row before its first head. Over rows *
 * heads * dim threads.
 */
KV_KERNEL llama_store(
        KV_GLOBAL const float *x,
        int x_stride,
        int from,
        int rows,
        LlamaCache cache,
        KV_GLOBAL uchar *memory,
        KV_GLOBAL const int *table,
        int position) {
    long i = llama_thread();
    int width = cache.heads * cache.dim;
    int row = (int) (i / width);
    if (row >= rows) {
        return;
    }
    int in_row = (int) (i % width);
    int head = in_row / cache.dim;
    KV_GLOBAL uchar *to = memory + llama_place(cache, table, position + row, head);
    float value = x[(long) row * x_stride + from + in_row];
    kv_store(to, in_row - head * cache.dim, cache.dtype, llama_narrow(value, cache.dtype));
}

/*
 * Products of the scaled queries of some rows with the keys of all positions up to their own.
 * scores: for each row and query head, context of them. Over rows * query heads *
 * ceil(context / LLAMA_WIDE) threads.
 */
KV_KERNEL llama_scores(
        KV_GLOBAL const float *queries,
        int q_stride,
        int first_row,
        int rows,
        int q_heads,
        LlamaCache cache,
        KV_GLOBAL const uchar *keys,
        KV_GLOBAL const int *table,
        int position, /* of row 0 */
        int context,
        float scale,
        KV_GLOBAL float *scores) {
    int strips = (context + LLAMA_WIDE - 1) / LLAMA_WIDE;
    long i = llama_thread();
    int first = (int) (i % strips) * LLAMA_WIDE;
    int pair = (int) (i / strips);
    int row = first_row + pair / q_heads;
    int last = position + row;
    if (pair >= rows * q_heads || first > last) {
        return;
    }
    int head = pair % q_heads;
    int kv_head = head / (q_heads / cache.heads);
    KV_GLOBAL const float *query = queries + (long) row * q_stride + head * cache.dim;
    KV_GLOBAL const uchar *key[LLAMA_WIDE];
    float sums[LLAMA_WIDE];
    for (int p = 0; p < LLAMA_WIDE; p++) {
        key[p] = keys + llama_place(cache, table, min(first + p, last), kv_head);
        sums[p] = 0.0f;
    }
    for (int d = 0; d < cache.dim; d++) {
        float factor = query[d] * scale;
        for (int p = 0; p < LLAMA_WIDE; p++) {
            sums[p] = LLAMA_FMA(factor, llama_load(key[p], d, cache.dtype), sums[p]);
        }
    }
    KV_GLOBAL float *to = scores + (long) pair * context + first;
    for (int p = 0; p < LLAMA_WIDE && first + p <= last; p++) {
        to[p] = sums[p];
    }
}

/*
 * Replaces scores by exp(score - largest) and gives the inverse of their sum. Over rows * query
 * heads teams.
 */
KV_KERNEL llama_softmax(
        KV_GLOBAL float *scores,
        int first_row,
        int rows,
        int q_heads,
        int position,
        int context,
        KV_GLOBAL float *inverses) {
    KV_SHARED float lanes[KV_THREADS_OF_GROUP];
    int lane = (int) KV_THREAD % LLAMA_LANES;
    int team = (int) KV_THREAD / LLAMA_LANES;
    int pair = (int) KV_GROUP * (KV_THREADS_OF_GROUP / LLAMA_LANES) + team;
    int there = pair < rows * q_heads;
    int count = there ? position + first_row + pair / q_heads + 1 : 0;
    KV_GLOBAL float *own = scores + (there ? (long) pair * context : 0);
    float largest = -KV_FLOAT_OF(0x7F800000u);
    for (int p = lane; p < count; p += LLAMA_LANES) {
        /* A NaN wins, as in Java. */
        largest = own[p] > largest || LLAMA_NAN(own[p]) ? own[p] : largest;
    }
    lanes[KV_THREAD] = largest;
    KV_BARRIER();
    for (int j = 0; j < LLAMA_LANES; j++) {
        float other = lanes[team * LLAMA_LANES + j];
        largest = other > largest || LLAMA_NAN(other) ? other : largest;
    }
    KV_BARRIER();
    float sum = 0.0f;
    for (int p = lane; p < count; p += LLAMA_LANES) {
        float e = llama_exp(own[p] - largest);
        own[p] = e;
        sum += e;
    }
    lanes[KV_THREAD] = sum;
    KV_BARRIER();
    if (there && lane == 0) {
        inverses[pair] = KV_DIVIDE(1.0f, llama_total(lanes + team * LLAMA_LANES));
    }
}

/*
 * The values of all positions up to a row's own, weighed by its scores. Over rows * query heads *
 * ceil(dim / LLAMA_WIDE) threads.
 */
KV_KERNEL llama_weigh(
        KV_GLOBAL const float *scores,
        KV_GLOBAL const float *inverses,
        int first_row,
        int rows,
        int q_heads,
        LlamaCache cache,
        KV_GLOBAL const uchar *values,
        KV_GLOBAL const int *table,
        int position,
        int context,
        KV_GLOBAL float *y,
        int y_stride) {
    int strips = (cache.dim + LLAMA_WIDE - 1) / LLAMA_WIDE;
    long i = llama_thread();
    int first = (int) (i % strips) * LLAMA_WIDE;
    int pair = (int) (i / strips);
    if (pair >= rows * q_heads) {
        return;
    }
    int row = first_row + pair / q_heads;
    int head = pair % q_heads;
    int kv_head = head / (q_heads / cache.heads);
    int wide = min(LLAMA_WIDE, cache.dim - first);
    KV_GLOBAL const float *weights = scores + (long) pair * context;
    float sums[LLAMA_WIDE];
    for (int d = 0; d < LLAMA_WIDE; d++) {
        sums[d] = 0.0f;
    }
    for (int p = 0; p <= position + row; p++) {
        KV_GLOBAL const uchar *value = values + llama_place(cache, table, p, kv_head);
        float weight = weights[p];
        if (wide == LLAMA_WIDE) {
            for (int d = 0; d < LLAMA_WIDE; d++) {
                sums[d] = LLAMA_FMA(weight, llama_load(value, first + d, cache.dtype), sums[d]);
            }
        } else {
            for (int d = 0; d < wide; d++) {
                sums[d] = LLAMA_FMA(weight, llama_load(value, first + d, cache.dtype), sums[d]);
            }
        }
    }
    for (int d = 0; d < wide; d++) {
        y[(long) row * y_stride + head * cache.dim + first + d] = sums[d] * inverses[pair];
    }
}

/* y += x. Over count threads. */
KV_KERNEL llama_add(KV_GLOBAL const float *x, int count, KV_GLOBAL float *y) {
    long i = llama_thread();
    if (i < count) {
        y[i] += x[i];
    }
}

/*
 * The gate of a SwiGLU, in place: each row has its gates, then the values that pass. Over rows *
 * columns threads.
 */
KV_KERNEL llama_gate(KV_GLOBAL float *gate_up, int rows, int columns) {
    long i = llama_thread();
    if (i < (long) rows * columns) {
        KV_GLOBAL float *gate = gate_up + i / columns * 2 * columns + i % columns;
        float g = *gate;
        *gate = KV_DIVIDE(g, 1.0f + llama_exp(-g)) * gate[columns];
    }
}

/* The place of the largest logit, the lowest among equals; -1 if one is NaN. Over 1 group. */
KV_KERNEL llama_argmax(KV_GLOBAL const float *logits, int count, KV_GLOBAL int *best) {
    KV_SHARED float largest[KV_THREADS_OF_GROUP];
    KV_SHARED int place[KV_THREADS_OF_GROUP];
    float mine = -KV_FLOAT_OF(0x7F800000u);
    int at = count;
    for (int i = (int) KV_THREAD; i < count; i += KV_THREADS_OF_GROUP) {
        if (LLAMA_NAN(logits[i])) {
            at = -1;
            break;
        }
        if (at == count || logits[i] > mine) {
            mine = logits[i];
            at = i;
        }
    }
    largest[KV_THREAD] = mine;
    place[KV_THREAD] = at;
    KV_BARRIER();
    if (KV_THREAD == 0) {
        for (int j = 1; j < KV_THREADS_OF_GROUP; j++) {
            if (place[j] < 0 || at < 0) {
                at = -1;
            } else if (largest[j] > mine || (largest[j] == mine && place[j] < at)) {
                mine = largest[j];
                at = place[j];
            }
        }
        *best = at;
    }
}
