/*
 * Memory of the simulated device: files in memory, so that other processes can open them, at
 * addresses of their own, with nothing between them.
 */
#define _GNU_SOURCE
#include "cuda_simulator.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 65536
#define PAGE 4096
#define GRANULE (2UL << 20)
#define TOTAL_BYTES (1UL << 40)

enum { FREE, ALLOCATED, IMPORTED, RESERVED, PHYSICAL, PINNED, REGISTERED };

typedef struct {
    int kind, fd, opened, mapped;
    uintptr_t start; /* as the program sees it */
    size_t bytes;
    char *host;      /* the same, once it is mapped; a page behind it names importers */
    char key[64];    /* of the handle it was imported with */
} Range;

static Range ranges[MOST];
static int used;
static uintptr_t next_address;
static size_t in_use_bytes;
static size_t limit_bytes = TOTAL_BYTES;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void sim_limit(size_t bytes) { limit_bytes = bytes; }

static Range *add(int kind, size_t bytes) {
    for (int i = 0; i < MOST; i++) {
        if (ranges[i].kind == FREE) {
            if (i >= used) used = i + 1;
            Range *range = memset(&ranges[i], 0, sizeof *range);
            range->kind = kind;
            range->fd = -1;
            range->bytes = bytes;
            return range;
        }
    }
    abort();
}

/* Never the same twice, with a gap after each, and other ones in other processes. */
static uintptr_t addresses(size_t bytes) {
    if (!next_address) next_address = 0x500000000000UL + ((uintptr_t) (getpid() % 1000) << 34);
    uintptr_t start = next_address;
    next_address += (bytes / GRANULE + 2) * GRANULE;
    return start;
}

static Range *find(uintptr_t address, size_t bytes, int host) {
    for (int i = 0; i < used; i++) {
        Range *range = &ranges[i];
        int of_host = range->kind == PINNED || range->kind == REGISTERED;
        if (range->kind == FREE || range->kind == PHYSICAL || of_host != host) continue;
        uintptr_t offset = address - range->start;
        if (address >= range->start && offset < range->bytes && bytes <= range->bytes - offset) return range;
    }
    return NULL;
}

void *sim_host(CUdeviceptr address, size_t bytes) {
    pthread_mutex_lock(&lock);
    Range *range = find(address, bytes, 0);
    void *host = range && range->host ? range->host + (address - range->start) : NULL;
    if (!range && find(address, bytes, 1)) host = (void *) (uintptr_t) address;
    pthread_mutex_unlock(&lock);
    return host;
}

/* Of what is still there, for leaks: everything but memory that the driver knows only as registered. */
int sim_live_ranges(void) {
    int live = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < used; i++) live += ranges[i].kind != FREE;
    pthread_mutex_unlock(&lock);
    return live;
}

static size_t whole(const Range *range) {
    return (range->bytes + PAGE - 1) / PAGE * PAGE + PAGE;
}

static int map(Range *range, uintptr_t start, int fd) {
    int fixed = MAP_SHARED | MAP_FIXED_NOREPLACE;
    void *host = mmap((void *) start, whole(range), PROT_READ | PROT_WRITE, fixed, fd, 0);
    range->host = host == MAP_FAILED ? NULL : host;
    return range->host != NULL;
}

static int file_of(Range *range) {
    range->fd = memfd_create("cuda-simulator", MFD_CLOEXEC);
    return range->fd >= 0 && !ftruncate(range->fd, (off_t) whole(range));
}

static int back(Range *range) {
    range->start = addresses(range->bytes);
    if (!file_of(range) || !map(range, range->start, range->fd)) return 0;
    /* Content of new memory is anybody's. */
    memset(range->host, 0xCD, range->bytes < (64 << 20) ? range->bytes : PAGE);
    return 1;
}

/* Behind the memory: the processes that have it open. Those that died have it open no more. */
#define MOST_IMPORTERS (PAGE / (int) sizeof(int))

static int *importers(Range *range) {
    return (int *) (range->host + whole(range) - PAGE);
}

static int living_importers(Range *range) {
    int living = 0;
    for (int i = 0; i < MOST_IMPORTERS; i++) {
        int pid = __atomic_load_n(&importers(range)[i], __ATOMIC_SEQ_CST);
        living += pid && !kill(pid, 0);
    }
    return living;
}

static void change_importers(Range *range, int from, int to) {
    for (int i = 0; i < MOST_IMPORTERS; i++) {
        if (__sync_bool_compare_and_swap(&importers(range)[i], from, to)) return;
    }
}

static void drop(Range *range) {
    if (range->host) munmap(range->host, whole(range));
    if (range->fd >= 0) close(range->fd);
    range->kind = FREE;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
    SIM_CALL(1);
    if (!bytes) return SIM_INVALID_VALUE;
    pthread_mutex_lock(&lock);
    int status = SIM_OUT_OF_MEMORY;
    if (bytes <= limit_bytes && in_use_bytes <= limit_bytes - bytes) {
        Range *range = add(ALLOCATED, bytes);
        if (back(range)) {
            *address = range->start;
            in_use_bytes += bytes;
            status = SIM_OK;
        } else {
            drop(range);
        }
    }
    pthread_mutex_unlock(&lock);
    return status;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
    SIM_CALL(1);
    sim_wait_all();
    pthread_mutex_lock(&lock);
    Range *range = find(address, 1, 0);
    int status = SIM_INVALID_VALUE;
    if (range && range->kind == ALLOCATED && range->start == address) {
        int open_in = living_importers(range);
        if (open_in) sim_violation("cuMemFree of memory that %d other processes have open", open_in);
        in_use_bytes -= range->bytes;
        drop(range);
        status = SIM_OK;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    SIM_CALL(1);
    *total = TOTAL_BYTES;
    *free_bytes = limit_bytes - in_use_bytes;
    return SIM_OK;
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr address) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = find(address, 1, 0);
    if (range) *base = range->start, *size = range->bytes;
    pthread_mutex_unlock(&lock);
    return range ? SIM_OK : SIM_NOT_FOUND;
}

CUresult cuMemHostAlloc(void **memory, size_t bytes, unsigned flags) {
    SIM_CALL(1);
    (void) flags;
    *memory = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    if (!*memory) return SIM_OUT_OF_MEMORY;
    pthread_mutex_lock(&lock);
    add(PINNED, bytes)->start = (uintptr_t) *memory;
    pthread_mutex_unlock(&lock);
    return SIM_OK;
}

static int end_host(void *memory, int kind, const char *what) {
    pthread_mutex_lock(&lock);
    Range *range = find((uintptr_t) memory, 1, 1);
    int right = range && range->kind == kind && range->start == (uintptr_t) memory;
    size_t bytes = right ? range->bytes : 0;
    if (right) range->kind = FREE;
    pthread_mutex_unlock(&lock);
    if (right && sim_in_use((uintptr_t) memory, bytes)) sim_violation("%s of memory that a copy uses", what);
    return right;
}

CUresult cuMemFreeHost(void *memory) {
    SIM_CALL(1);
    if (!end_host(memory, PINNED, "cuMemFreeHost")) return SIM_INVALID_VALUE;
    free(memory);
    return SIM_OK;
}

CUresult cuMemHostRegister_v2(void *memory, size_t bytes, unsigned flags) {
    SIM_CALL(1);
    (void) flags;
    if (!memory || !bytes) return SIM_INVALID_VALUE;
    pthread_mutex_lock(&lock);
    int there = find((uintptr_t) memory, 1, 1) || find((uintptr_t) memory + bytes - 1, 1, 1);
    if (!there) add(REGISTERED, bytes)->start = (uintptr_t) memory;
    pthread_mutex_unlock(&lock);
    return there ? SIM_ALREADY_REGISTERED : SIM_OK;
}

CUresult cuMemHostUnregister(void *memory) {
    SIM_CALL(1);
    return end_host(memory, REGISTERED, "cuMemHostUnregister") ? SIM_OK : SIM_NOT_REGISTERED;
}

CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr address) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *device = find(address, 1, 0), *host = device ? NULL : find(address, 1, 1);
    int kind = device ? device->kind : FREE;
    pthread_mutex_unlock(&lock);
    if (!device && !host) return SIM_INVALID_VALUE;
    switch ((int) attribute) {
    case 2: *(unsigned *) data = device ? 2 : 1; return SIM_OK;
    case 9: *(int *) data = 0; return SIM_OK;
    case 10: *(char *) data = kind == ALLOCATED; return SIM_OK;
    default: return SIM_INVALID_VALUE;
    }
}

CUresult cuPointerSetAttribute(const void *value, CUpointer_attribute attribute, CUdeviceptr address) {
    SIM_CALL(1);
    return value && (int) attribute == 6 && sim_host(address, 1) ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuFlushGPUDirectRDMAWrites(CUflushGPUDirectRDMAWritesTarget target, CUflushGPUDirectRDMAWritesScope scope) {
    SIM_CALL(1);
    return (int) target == 0 && (int) scope == 100 ? SIM_OK : SIM_INVALID_VALUE;
}

/* A descriptor of the memory's file, as far as the address is at a page. */
CUresult cuMemGetHandleForAddressRange(
        void *handle, CUdeviceptr address, size_t bytes, CUmemRangeHandleType type, unsigned long long flags) {
    SIM_CALL(1);
    if ((int) type != 1 || address % PAGE || bytes % PAGE) return SIM_INVALID_VALUE;
    /* As before CUDA 12.8. */
    if (flags) return SIM_NOT_SUPPORTED;
    pthread_mutex_lock(&lock);
    Range *range = find(address, 1, 0);
    int fd = range ? fcntl(range->fd, F_DUPFD_CLOEXEC, 0) : -1;
    pthread_mutex_unlock(&lock);
    *(int *) handle = fd;
    return fd >= 0 ? SIM_OK : SIM_INVALID_VALUE;
}

typedef struct { unsigned long magic; int pid, fd; size_t bytes; uintptr_t start; } IpcMemory;
#define MEMORY_MAGIC 0x6D656D6F72790001UL

CUresult cuIpcGetMemHandle(CUipcMemHandle *handle, CUdeviceptr address) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = find(address, 1, 0);
    int right = range && range->kind == ALLOCATED;
    if (right) {
        IpcMemory own = {MEMORY_MAGIC, getpid(), range->fd, range->bytes, range->start};
        memset(handle, 0, sizeof *handle);
        memcpy(handle, &own, sizeof own);
    }
    pthread_mutex_unlock(&lock);
    return right ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuIpcOpenMemHandle_v2(CUdeviceptr *address, CUipcMemHandle handle, unsigned flags) {
    SIM_CALL(1);
    IpcMemory theirs;
    memcpy(&theirs, &handle, sizeof theirs);
    if (theirs.magic != MEMORY_MAGIC || flags != 1) return SIM_INVALID_VALUE;
    if (theirs.pid == getpid()) return SIM_INVALID_CONTEXT;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < used; i++) {
        if (ranges[i].kind == IMPORTED && !memcmp(ranges[i].key, &handle, sizeof handle)) {
            sim_violation("cuIpcOpenMemHandle of a handle that is open");
            ranges[i].opened++;
            *address = ranges[i].start;
            pthread_mutex_unlock(&lock);
            return SIM_OK;
        }
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", theirs.pid, theirs.fd);
    Range *range = add(IMPORTED, theirs.bytes);
    int status = SIM_INVALID_VALUE;
    range->fd = open(path, O_RDWR | O_CLOEXEC);
    range->start = addresses(theirs.bytes);
    if (range->fd >= 0 && map(range, range->start, range->fd)) {
        memcpy(range->key, &handle, sizeof handle);
        range->opened = 1;
        change_importers(range, 0, getpid());
        *address = range->start;
        status = SIM_OK;
    } else {
        drop(range);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

CUresult cuIpcCloseMemHandle(CUdeviceptr address) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = find(address, 1, 0);
    int right = range && range->kind == IMPORTED && range->start == address;
    if (right && --range->opened == 0) {
        if (sim_in_use(address, range->bytes)) sim_violation("cuIpcCloseMemHandle of memory that work uses");
        change_importers(range, getpid(), 0);
        drop(range);
    }
    pthread_mutex_unlock(&lock);
    return right ? SIM_OK : SIM_INVALID_VALUE;
}

/* Virtual memory: a handle is the number of a range that has no address of its own. */

CUresult cuMemGetAllocationGranularity(
        size_t *bytes, const CUmemAllocationProp *properties, CUmemAllocationGranularity_flags option) {
    SIM_CALL(1);
    (void) option;
    *bytes = GRANULE;
    return *(const int *) properties == 1 ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuMemCreate(
        CUmemGenericAllocationHandle *handle, size_t bytes, const CUmemAllocationProp *properties, unsigned long long flags) {
    SIM_CALL(1);
    if (*(const int *) properties != 1 || flags || !bytes || bytes % GRANULE) return SIM_INVALID_VALUE;
    pthread_mutex_lock(&lock);
    int enough = bytes <= limit_bytes && in_use_bytes <= limit_bytes - bytes;
    if (enough) {
        Range *range = add(PHYSICAL, bytes);
        enough = file_of(range);
        *handle = (CUmemGenericAllocationHandle) (range - ranges) + 1;
        in_use_bytes += bytes;
    }
    pthread_mutex_unlock(&lock);
    return enough ? SIM_OK : SIM_OUT_OF_MEMORY;
}

static Range *physical(CUmemGenericAllocationHandle handle) {
    return handle >= 1 && handle <= (unsigned) used && ranges[handle - 1].kind == PHYSICAL ? &ranges[handle - 1] : NULL;
}

CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = physical(handle);
    if (range) {
        if (range->mapped) sim_violation("cuMemRelease of memory that is mapped");
        in_use_bytes -= range->bytes;
        drop(range);
    }
    pthread_mutex_unlock(&lock);
    return range ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuMemAddressReserve(CUdeviceptr *address, size_t bytes, size_t alignment, CUdeviceptr wanted, unsigned long long flags) {
    SIM_CALL(1);
    if (!bytes || bytes % GRANULE || alignment || wanted || flags) return SIM_INVALID_VALUE;
    pthread_mutex_lock(&lock);
    Range *range = add(RESERVED, bytes);
    *address = range->start = addresses(bytes);
    pthread_mutex_unlock(&lock);
    return SIM_OK;
}

static Range *reserved(CUdeviceptr address, size_t bytes) {
    Range *range = find(address, bytes, 0);
    return range && range->kind == RESERVED && range->start == address && range->bytes == bytes ? range : NULL;
}

CUresult cuMemMap(CUdeviceptr address, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle, unsigned long long flags) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = reserved(address, bytes), *memory = physical(handle);
    int right = range && memory && !range->opened && memory->bytes == bytes && !offset && !flags;
    if (right) {
        range->opened = (int) handle;
        memory->mapped++;
    }
    pthread_mutex_unlock(&lock);
    return right ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuMemSetAccess(CUdeviceptr address, size_t bytes, const CUmemAccessDesc *access, size_t count) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = reserved(address, bytes);
    int right = range && range->opened && count == 1 && (int) access->flags == 3;
    if (right) right = map(range, range->start, ranges[range->opened - 1].fd);
    pthread_mutex_unlock(&lock);
    return right ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuMemUnmap(CUdeviceptr address, size_t bytes) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = reserved(address, bytes);
    int right = range && range->opened;
    if (right) {
        if (sim_in_use(address, bytes)) sim_violation("cuMemUnmap of memory that work uses");
        ranges[range->opened - 1].mapped--;
        range->opened = 0;
        if (range->host) munmap(range->host, whole(range));
        range->host = NULL;
    }
    pthread_mutex_unlock(&lock);
    return right ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuMemAddressFree(CUdeviceptr address, size_t bytes) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = reserved(address, bytes);
    if (range && range->opened) sim_violation("cuMemAddressFree of addresses that are mapped");
    if (range) drop(range);
    pthread_mutex_unlock(&lock);
    return range ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuMemExportToShareableHandle(
        void *handle, CUmemGenericAllocationHandle memory, CUmemAllocationHandleType type, unsigned long long flags) {
    SIM_CALL(1);
    pthread_mutex_lock(&lock);
    Range *range = physical(memory);
    int fd = range && (int) type == 1 && !flags ? fcntl(range->fd, F_DUPFD_CLOEXEC, 0) : -1;
    pthread_mutex_unlock(&lock);
    *(int *) handle = fd;
    return fd >= 0 ? SIM_OK : SIM_INVALID_VALUE;
}

CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *handle, void *descriptor, CUmemAllocationHandleType type) {
    SIM_CALL(1);
    off_t all = lseek((int) (intptr_t) descriptor, 0, SEEK_END);
    if (all <= PAGE || (int) type != 1) return SIM_INVALID_VALUE;
    pthread_mutex_lock(&lock);
    Range *range = add(PHYSICAL, (size_t) all - PAGE);
    range->fd = fcntl((int) (intptr_t) descriptor, F_DUPFD_CLOEXEC, 0);
    in_use_bytes += range->bytes;
    *handle = (CUmemGenericAllocationHandle) (range - ranges) + 1;
    pthread_mutex_unlock(&lock);
    return SIM_OK;
}
