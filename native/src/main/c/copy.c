/*
 * Copies large pieces past the caches: what is written is not read by this core next, and an ordinary store would first fetch
 * every line that it is about to overwrite. While one piece is copied, the start of the next is fetched; pieces that lie
 * scattered would else begin with a wait for memory each.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum { LINE = 64, STEP = 4 * LINE, MOST_AHEAD = 4096 };

static inline void fetch(const char *ahead, size_t at, size_t most) {
    if (at < most) {
        _mm_prefetch(ahead + at, _MM_HINT_T0);
        _mm_prefetch(ahead + at + LINE, _MM_HINT_T0);
        _mm_prefetch(ahead + at + 2 * LINE, _MM_HINT_T0);
        _mm_prefetch(ahead + at + 3 * LINE, _MM_HINT_T0);
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

/* The width of the registers that this processor copies with, in bits; 0 when it cannot. */
int kvwire_copy_width(void) {
    return __builtin_cpu_supports("avx512f") ? 512 : __builtin_cpu_supports("avx2") ? 256 : 0;
}

/* Copies pieces that do not overlap; ahead is where the next piece to be copied starts, or NULL. */
void kvwire_copy(char *to, const char *from, size_t bytes, const char *ahead, int width) {
    size_t head = (size_t)(-(uintptr_t)to & (LINE - 1));
    if (head > bytes) head = bytes;
    memcpy(to, from, head);
    to += head;
    from += head;
    bytes -= head;
    size_t most = !ahead ? 0 : bytes < MOST_AHEAD ? bytes : MOST_AHEAD;
    size_t done = width == 512 ? stream_512(to, from, bytes, ahead, most) : stream_256(to, from, bytes, ahead, most);
    memcpy(to + done, from + done, bytes - done);
    _mm_sfence(); /* or what comes after could be seen before */
}

#else

int kvwire_copy_width(void) { return 0; }

void kvwire_copy(char *to, const char *from, size_t bytes, const char *ahead, int width) {
    (void)ahead;
    (void)width;
    memcpy(to, from, bytes);
}

#endif
