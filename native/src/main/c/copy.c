/*
 * Copies lists of pieces past the caches: what is written is not read by this core next, and an ordinary store would first fetch
 * every line that it is about to overwrite. While one piece is copied, the next is fetched, and those behind it are touched:
 * pieces that lie scattered would else begin with a wait for their page's address and for memory each. Stores of all pieces may
 * be under way at one time; they are waited for once, at the end of the list.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct piece {
    char *to;
    const char *from;
    size_t bytes;
};

#if defined(__x86_64__)
#include <immintrin.h>

enum { LINE = 64, STEP = 4 * LINE, MOST_AHEAD = 4096, LEAST_STREAMED = 1024, TARGETS_AHEAD = 2, SOURCES_AHEAD = 3 };

static inline void touch(const void *at) { _mm_prefetch(at, _MM_HINT_T0); }

static inline void fetch(const char *ahead, size_t at, size_t most) {
    if (at < most) {
        touch(ahead + at);
        touch(ahead + at + LINE);
        touch(ahead + at + 2 * LINE);
        touch(ahead + at + 3 * LINE);
    }
}

__attribute__((target("avx512f"))) static size_t stream_512(char *to, const char *from, size_t bytes, const char *ahead,
                                                            size_t most) {
    size_t i = 0;
    for (; i + STEP <= bytes; i += STEP) {
        fetch(ahead, i, most);
        __m512i a = _mm512_loadu_si512(from + i), b = _mm512_loadu_si512(from + i + LINE);
        __m512i c = _mm512_loadu_si512(from + i + 2 * LINE), d = _mm512_loadu_si512(from + i + 3 * LINE);
        _mm512_stream_si512((void *)(to + i), a);
        _mm512_stream_si512((void *)(to + i + LINE), b);
        _mm512_stream_si512((void *)(to + i + 2 * LINE), c);
        _mm512_stream_si512((void *)(to + i + 3 * LINE), d);
    }
    return i;
}

__attribute__((target("avx2"))) static size_t stream_256(char *to, const char *from, size_t bytes, const char *ahead,
                                                         size_t most) {
    size_t i = 0;
    for (; i + STEP <= bytes; i += STEP) {
        fetch(ahead, i, most);
        for (size_t j = i; j < i + STEP; j += LINE) {
            __m256i a = _mm256_loadu_si256((const void *)(from + j)), b = _mm256_loadu_si256((const void *)(from + j + 32));
            _mm256_stream_si256((void *)(to + j), a);
            _mm256_stream_si256((void *)(to + j + 32), b);
        }
    }
    return i;
}

static void copy(struct piece piece, const struct piece *next, int width) {
    size_t head = (size_t)(-(uintptr_t)piece.to & (LINE - 1));
    if (piece.bytes < LEAST_STREAMED) head = piece.bytes;
    memcpy(piece.to, piece.from, head);
    char *to = piece.to + head;
    const char *from = piece.from + head;
    size_t bytes = piece.bytes - head;
    /* What adjoins is fetched by the processor itself. */
    const char *ahead = next && next->from != piece.from + piece.bytes ? next->from : NULL;
    size_t most = !ahead ? 0 : next->bytes < MOST_AHEAD ? next->bytes : MOST_AHEAD;
    size_t done = width == 512 ? stream_512(to, from, bytes, ahead, most) : stream_256(to, from, bytes, ahead, most);
    memcpy(to + done, from + done, bytes - done);
}

/* The width of the registers that this processor copies with, in bits; 0 when it cannot. */
int kvwire_copy_width(void) {
    return __builtin_cpu_supports("avx512f") ? 512 : __builtin_cpu_supports("avx2") ? 256 : 0;
}

/* Copies pieces that do not overlap, in their order. */
void kvwire_copy(const struct piece *pieces, size_t count, int width) {
    for (size_t i = 0; i < count; i++) {
        if (i + TARGETS_AHEAD < count) touch(pieces[i + TARGETS_AHEAD].to);
        if (i + SOURCES_AHEAD < count) touch(pieces[i + SOURCES_AHEAD].from);
        copy(pieces[i], i + 1 < count ? &pieces[i + 1] : NULL, width);
    }
    _mm_sfence(); /* or what comes after could be seen before */
}

#else

int kvwire_copy_width(void) { return 0; }

void kvwire_copy(const struct piece *pieces, size_t count, int width) {
    (void)width;
    for (size_t i = 0; i < count; i++) memcpy(pieces[i].to, pieces[i].from, pieces[i].bytes);
}

#endif
