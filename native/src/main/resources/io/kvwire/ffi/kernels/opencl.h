/*
 * What kv_rows.h needs of OpenCL C 1.2. Put in front of it; build with
 * -cl-fp32-correctly-rounded-divide-sqrt where the device offers it.
 */
#pragma OPENCL FP_CONTRACT OFF

#define KV_KERNEL __kernel __attribute__((reqd_work_group_size(128, 1, 1))) void
#define KV_DEVICE static inline
#define KV_GLOBAL __global
#define KV_SHARED __local
#define KV_LOCAL __local
#define KV_BARRIER() barrier(CLK_LOCAL_MEM_FENCE)
#define KV_THREAD ((uint) get_local_id(0))
#define KV_GROUP ((uint) get_group_id(0))
#define KV_COUNT_ONE(counter) atomic_inc(counter)

#define KV_FLOAT_OF(bits) as_float(bits)
#define KV_BITS_OF(number) as_uint(number)
#define KV_DIVIDE(a, b) ((a) / (b))
#define KV_NEAREST(number) convert_int_rte(number)

static inline float kv_widen_half(ushort bits) {
    return vload_half(0, (const half *) &bits);
}

static inline ushort kv_narrow_half(float number) {
    ushort bits;
    vstore_half_rte(number, 0, (half *) &bits);
    return bits;
}

/* The largest number in a team of 32 threads. Every thread of the group must call it. */
static inline uint kv_team_largest(uint mine, __local uint *scratch) {
    uint thread = KV_THREAD;
    scratch[thread] = mine;
    for (uint apart = 16; apart > 0; apart /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (thread % 32 < apart) {
            scratch[thread] = max(scratch[thread], scratch[thread + apart]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    uint largest = scratch[thread - thread % 32];
    /* Nobody writes the next row's numbers before everybody has read this one's. */
    barrier(CLK_LOCAL_MEM_FENCE);
    return largest;
}
