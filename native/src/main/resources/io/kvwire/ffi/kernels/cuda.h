/*
 * What kv_rows.h needs of CUDA C. Put in front of it; no header of the toolkit is needed. Compile
 * without -use_fast_math: subnormal numbers are kept and divisions rounded to nearest.
 */
#define KV_KERNEL extern "C" __global__ void __launch_bounds__(128)
#define KV_DEVICE static __device__ __forceinline__
#define KV_GLOBAL
#define KV_SHARED __shared__
#define KV_LOCAL
#define KV_BARRIER() __syncthreads()
#define KV_THREAD (threadIdx.x)
#define KV_GROUP (blockIdx.x)
#define KV_COUNT_ONE(counter) atomicAdd(counter, 1u)

#define KV_FLOAT_OF(bits) __uint_as_float(bits)
#define KV_BITS_OF(number) __float_as_uint(number)
#define KV_DIVIDE(a, b) __fdiv_rn(a, b)
#define KV_NEAREST(number) __float2int_rn(number)

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;

KV_DEVICE float kv_widen_half(ushort bits) {
    float number;
    asm("cvt.f32.f16 %0, %1;" : "=f"(number) : "h"(bits));
    return number;
}

KV_DEVICE ushort kv_narrow_half(float number) {
    ushort bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(number));
    return bits;
}

/* The largest number in a team of 32 threads, which is a warp. Every thread of it must call it. */
KV_DEVICE uint kv_team_largest(uint mine, uint *scratch) {
    (void) scratch;
    return __reduce_max_sync(0xFFFFFFFFu, mine);
}
