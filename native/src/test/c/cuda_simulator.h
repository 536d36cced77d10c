/*
 * What the parts of the simulated driver share. Where SIM_CUDA_H is defined, cuda.h declares the
 * functions and the compiler compares; elsewhere these few types stand for it.
 */
#ifndef CUDA_SIMULATOR_H
#define CUDA_SIMULATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef SIM_CUDA_H
#include <cuda.h>
#else
typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef unsigned long long CUmemGenericAllocationHandle;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct { char bytes[16]; } CUuuid;
typedef struct { char reserved[64]; } CUipcMemHandle;
typedef struct { char reserved[64]; } CUipcEventHandle;
typedef int CUdevice_attribute;
typedef int CUpointer_attribute;
typedef int CUjit_option;
typedef int CUmemRangeHandleType;
typedef int CUflushGPUDirectRDMAWritesTarget;
typedef int CUflushGPUDirectRDMAWritesScope;
typedef int CUmemAllocationHandleType;
typedef int CUmemAllocationGranularity_flags;
typedef struct { int type; int id; } CUmemLocation;
typedef struct { int type; int handles; CUmemLocation location; void *meta; unsigned char flags[8]; } CUmemAllocationProp;
typedef struct { CUmemLocation location; int flags; } CUmemAccessDesc;
typedef struct { int order; CUmemLocation source, target; unsigned flags; } CUmemcpyAttributes;
typedef struct {
    size_t srcXInBytes, srcY;
    int srcMemoryType;
    const void *srcHost;
    CUdeviceptr srcDevice;
    void *srcArray;
    size_t srcPitch, dstXInBytes, dstY;
    int dstMemoryType;
    void *dstHost;
    CUdeviceptr dstDevice;
    void *dstArray;
    size_t dstPitch, WidthInBytes, Height;
} CUDA_MEMCPY2D;
#endif

enum {
    SIM_OK = 0, SIM_INVALID_VALUE = 1, SIM_OUT_OF_MEMORY = 2, SIM_NOT_INITIALIZED = 3, SIM_INVALID_DEVICE = 101,
    SIM_INVALID_CONTEXT = 201, SIM_INVALID_PTX = 218, SIM_INVALID_HANDLE = 400, SIM_NOT_FOUND = 500,
    SIM_NOT_READY = 600, SIM_ILLEGAL_ADDRESS = 700, SIM_ALREADY_REGISTERED = 712, SIM_NOT_REGISTERED = 713,
    SIM_NOT_SUPPORTED = 801
};

/* A kernel, compiled for the host from the source of the PTX. Written by CompileSimulators. */
typedef struct {
    const char *name;
    void (*invoke)(void **arguments);
    int barriers; /* whether its threads wait for each other */
    int count;
    const size_t *sizes;
    const unsigned char *pointers;
} SimKernel;

extern const SimKernel sim_kernels[];
extern const int sim_kernel_count;

/* Where the running kernel thread is. Kernels run one at a time. */
extern unsigned sim_thread, sim_group;
void sim_barrier(void);

/* Runs a kernel; its pointers are the host's. */
void sim_run(const SimKernel *kernel, void **arguments, unsigned groups, unsigned threads);

/* Notes something that a program must not do. */
void sim_violation(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Memory. The host's address of a device range, or NULL where it is not all inside one allocation. */
void *sim_host(CUdeviceptr address, size_t bytes);

/* At the start of every function: counts the call, and gives the failure that a test asked for. */
int sim_called(const char *function, int needs_context);
#define SIM_CALL(needs_context)                              \
    do {                                                     \
        int sim_status = sim_called(__func__, needs_context); \
        if (sim_status) return sim_status;                   \
    } while (0)

/* Whether work that is not done yet uses memory of the host or of the device. */
int sim_in_use(uintptr_t start, size_t bytes);
void sim_wait_all(void);

#endif
