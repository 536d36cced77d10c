/* What the kernels need to be compiled for the host, in place of cuda.h. Threads of a group that wait for each other are fibers. */
#include "cuda_simulator.h"
#include <math.h>
#include <string.h>

#define KV_KERNEL static void
#define KV_DEVICE static inline
#define KV_GLOBAL
#define KV_SHARED static
#define KV_LOCAL
#define KV_BARRIER() sim_barrier()
#define KV_THREAD sim_thread
#define KV_GROUP sim_group
#define KV_COUNT_ONE(counter) __sync_fetch_and_add(counter, 1)

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef struct { uint x, y; } uint2;
typedef struct { uint x, y, z, w; } uint4;

#define min(a, b) ({ __typeof__(a) a_ = (a); __typeof__(a) b_ = (__typeof__(a)) (b); a_ < b_ ? a_ : b_; })
#define max(a, b) ({ __typeof__(a) a_ = (a); __typeof__(a) b_ = (__typeof__(a)) (b); a_ > b_ ? a_ : b_; })

static inline float sim_float(uint bits) { float f; memcpy(&f, &bits, 4); return f; }
static inline uint sim_bits(float f) { uint bits; memcpy(&bits, &f, 4); return bits; }
#define KV_FLOAT_OF(bits) sim_float(bits)
#define KV_BITS_OF(number) sim_bits(number)
#define KV_DIVIDE(a, b) ((a) / (b))
#define KV_NEAREST(number) ((int) rintf(number))
#define __fmaf_rn(a, b, c) fmaf(a, b, c)
#define __fsqrt_rn(a) sqrtf(a)

static inline float kv_widen_half(ushort bits) {
    uint sign = (uint) (bits & 0x8000u) << 16;
    int exponent = bits >> 10 & 31;
    uint mantissa = bits & 0x3FFu;
    if (exponent == 31) return sim_float(sign | 0x7F800000u | mantissa << 13);
    float magnitude = exponent ? ldexpf((float) (mantissa | 0x400u), exponent - 25) : ldexpf((float) mantissa, -24);
    return sign ? -magnitude : magnitude;
}

/* To nearest, ties to even: in units of the last place, which a subnormal has of its own. */
static inline ushort kv_narrow_half(float number) {
    ushort sign = (ushort) (sim_bits(number) >> 16 & 0x8000u);
    float magnitude = fabsf(number);
    if (isnan(number)) return (ushort) (sign | 0x7E00u);
    if (magnitude >= 65520.0f) return (ushort) (sign | 0x7C00u);
    int exponent;
    frexpf(magnitude, &exponent);
    int unit = magnitude == 0 || exponent < -13 ? -24 : exponent - 11;
    uint steps = (uint) rintf(ldexpf(magnitude, -unit));
    return (ushort) (sign | (((uint) (unit + 24) << 10) + steps));
}

static uint sim_team[128];

/* The largest number in a team of 32 threads. Every thread of the group must call it. */
static inline uint kv_team_largest(uint mine, uint *scratch) {
    (void) scratch;
    uint first = sim_thread - sim_thread % 32;
    uint largest = 0;
    sim_team[sim_thread] = mine;
    sim_barrier();
    for (uint i = first; i < first + 32; i++) largest = max(largest, sim_team[i]);
    sim_barrier();
    return largest;
}
