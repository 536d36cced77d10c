/*
 * INT8 coding of BF16 rows as docs/spec/kv-frame.md states it, in straightforward C: what the codec of
 * kv-codec is measured against. Built with -O3 -march=native, so that the compiler makes vectors of the
 * loops. The _ahead version also asks for the memory that it will need soon, which Java has no means to do.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static float widened(uint16_t bits)
{
    uint32_t word = (uint32_t)bits << 16;
    float x;
    memcpy(&x, &word, sizeof x);
    return x;
}

static uint16_t narrowed(float x)
{
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    return (uint16_t)((word + 0x7FFF + ((word >> 16) & 1)) >> 16);
}

static float scale_of(const uint16_t *row, size_t dim)
{
    uint16_t largest = 0;
    for (size_t i = 0; i < dim; i++) {
        uint16_t magnitude = row[i] & 0x7FFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    if (largest >= 0x7F00)
        return 0; /* the row keeps its bits; the caller sees to that */
    float scale = widened(largest) / 127;
    return scale < 0x1p-126f ? 0x1p-126f : scale;
}

/* Adding 1.5 * 2^23 leaves the number, rounded to nearest and ties to even, in the lowest bits. */
static int8_t code_of(float quotient)
{
    float shifted = quotient + 0x1.8p23f;
    uint32_t word;
    memcpy(&word, &shifted, sizeof word);
    return (int8_t)word;
}

static inline void encode_row(const uint16_t *row, size_t dim, int8_t *codes, float *scale)
{
    *scale = scale_of(row, dim);
    const float divisor = *scale;
    for (size_t i = 0; i < dim; i++)
        codes[i] = code_of(widened(row[i]) / divisor);
}

void int8_encode(const uint16_t *rows, size_t count, size_t dim, int8_t *codes, float *scales)
{
    for (size_t r = 0; r < count; r++)
        encode_row(rows + r * dim, dim, codes + r * dim, scales + r);
}

void int8_encode_ahead(const uint16_t *rows, size_t count, size_t dim, int8_t *codes, float *scales)
{
    const size_t ahead = 4096;
    for (size_t r = 0; r < count; r++) {
        const char *next = (const char *)(rows + r * dim) + ahead;
        for (size_t i = 0; i < dim * sizeof *rows; i += 64)
            __builtin_prefetch(next + i);
        encode_row(rows + r * dim, dim, codes + r * dim, scales + r);
    }
}

void int8_decode(const int8_t *codes, const float *scales, size_t count, size_t dim, uint16_t *rows)
{
    for (size_t r = 0; r < count; r++) {
        const int8_t *in = codes + r * dim;
        uint16_t *row = rows + r * dim;
        for (size_t i = 0; i < dim; i++)
            row[i] = narrowed((float)in[i] * scales[r]);
    }
}
