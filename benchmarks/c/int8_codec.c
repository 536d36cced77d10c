/*
 * INT8 coding of BF16 rows as docs/spec/kv-frame.md states it, in straightforward C: what the codec of
 * kv-codec is measured against. Built with -O3 -march=native, so that the compiler makes vectors of the
 * loops. The _summed versions also do the other thing that a frame needs: CRC32C of all that is written or read.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

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

void int8_decode(const int8_t *codes, const float *scales, size_t count, size_t dim, uint16_t *rows)
{
    for (size_t r = 0; r < count; r++) {
        const int8_t *in = codes + r * dim;
        uint16_t *row = rows + r * dim;
        for (size_t i = 0; i < dim; i++)
            row[i] = narrowed((float)in[i] * scales[r]);
    }
}

static uint32_t crc32c(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint64_t crc = 0xFFFFFFFF;
#ifdef __SSE4_2__
    for (; count >= 8; count -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
#endif
    for (; count > 0; count--, at++) {
        crc ^= *at;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82F63B78 & (0 - (crc & 1)));
    }
    return ~(uint32_t)crc;
}

/* Scales follow the codes, the checksum follows the scales. */
void int8_encode_summed(const uint16_t *rows, size_t count, size_t dim, int8_t *codes, float *scales)
{
    int8_encode(rows, count, dim, codes, scales);
    uint32_t crc = crc32c(codes, count * dim + count * sizeof *scales);
    memcpy(scales + count, &crc, sizeof crc);
}

void int8_decode_summed(const int8_t *codes, const float *scales, size_t count, size_t dim, uint16_t *rows)
{
    uint32_t crc = crc32c(codes, count * dim + count * sizeof *scales);
    if (memcmp(scales + count, &crc, sizeof crc) == 0)
        int8_decode(codes, scales, count, dim, rows);
}
