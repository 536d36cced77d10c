/*
 * A driver for tests where there is no GPU: libcuda's functions over memory of the host. Each
 * stream works on a thread of its own, later than it was told, in order, and waits for events of
 * others; so a program that forgets to wait reads what is not there yet. Kernels run as the host's
 * compiler makes them of the source of the PTX.
 *
 * What a program must not do ends the process, or is noted where a test has said that it looks
 * (sim_tolerate, sim_violations). Tests make functions fail with sim_fail, hold streams back with
 * sim_hold, and count calls with sim_calls.
 */
#define _GNU_SOURCE
#include "cuda_simulator.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MOST_STREAMS 256
#define MOST_FUNCTIONS 128
#define MOST_ARGUMENTS 16
#define ARGUMENT_BYTES 128

typedef struct { volatile unsigned long recorded, done; volatile double millis; } Point;

struct CUevent_st { Point *point; int fd, timed, shared, open; };
struct CUmod_st { char *ptx; };
struct CUfunc_st { const SimKernel *kernel; };

enum { COPY, ROWS, FILL, LAUNCH, RECORD, WAIT };

typedef struct Work {
    struct Work *next;
    int kind;
    uintptr_t target, source; /* as the program gave them */
    int target_on_host, source_on_host;
    size_t bytes, target_pitch, source_pitch, height;
    unsigned char value;
    const SimKernel *kernel;
    unsigned groups, threads;
    char arguments[MOST_ARGUMENTS][ARGUMENT_BYTES];
    Point *point;
    unsigned long number;
} Work;

struct CUstream_st {
    pthread_t thread;
    Work *first, *last;
    unsigned long given, done;
    int held, closing, open;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct CUstream_st streams[MOST_STREAMS];
static char violations[8192];
static struct { char name[48]; long calls; } functions[MOST_FUNCTIONS];
static char failing[48];
static int tolerant, fail_after, fail_status, sticky, initialised, retained, live_events, live_modules, device_count = 1;
static unsigned delay_micros = 100;
static __thread CUcontext current;
static int context_of_0;

/* What tests ask for. */

void sim_violation(const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (!tolerant) {
        fprintf(stderr, "simulated CUDA driver: %s\n", line);
        abort();
    }
    size_t at = strlen(violations);
    snprintf(violations + at, sizeof violations - at, "%s\n", line);
}

void sim_tolerate(int yes) { tolerant = yes; }
const char *sim_violations(void) { return violations; }
void sim_forget(void) { violations[0] = 0; sticky = 0; }
void sim_delay(unsigned micros) { delay_micros = micros; }
void sim_devices(int count) { device_count = count; }
int sim_live_ranges(void);

void sim_fail(const char *function, int after, int status) {
    snprintf(failing, sizeof failing, "%s", function);
    fail_after = after;
    fail_status = status;
}

long sim_calls(const char *function) {
    for (int i = 0; i < MOST_FUNCTIONS; i++) {
        if (!strcmp(functions[i].name, function)) return functions[i].calls;
    }
    return 0;
}

/* Holds the work of a stream back, or lets it go on. */
void sim_hold(CUstream stream, int held) {
    pthread_mutex_lock(&lock);
    stream->held = held;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Streams, events, modules, contexts and memory that nobody has closed. */
int sim_live(void) {
    int live = live_events + live_modules + retained + sim_live_ranges();
    for (int i = 0; i < MOST_STREAMS; i++) live += streams[i].open;
    return live;
}

int sim_called(const char *function, int needs_context) {
    pthread_mutex_lock(&lock);
    int i = 0;
    while (functions[i].name[0] && strcmp(functions[i].name, function)) i++;
    strcpy(functions[i].name, function);
    functions[i].calls++;
    int status = sticky;
    if (!strcmp(failing, function) && fail_after-- == 0) {
        status = fail_status;
        failing[0] = 0;
    }
    pthread_mutex_unlock(&lock);
    if (status) return status;
    if (!initialised && strcmp(function, "cuInit")) return SIM_NOT_INITIALIZED;
    if (needs_context && (!current || !retained)) return SIM_INVALID_CONTEXT;
    return SIM_OK;
}

/* Devices and contexts. */

CUresult cuInit(unsigned flags) {
    SIM_CALL(0);
    initialised = !flags;
    return SIM_OK;
}

CUresult cuDriverGetVersion(int *version) { SIM_CALL(0); *version = 12090; return SIM_OK; }
CUresult cuDeviceGetCount(int *count) { SIM_CALL(0); *count = device_count; return SIM_OK; }

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    SIM_CALL(0);
    *device = ordinal;
    return ordinal < device_count ? SIM_OK : SIM_INVALID_DEVICE;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
    SIM_CALL(0);
    snprintf(name, (size_t) length, "simulated device %d", device);
    return SIM_OK;
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
    SIM_CALL(0);
    memset(uuid, 0x11 * (device + 1), sizeof *uuid);
    return SIM_OK;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) { SIM_CALL(0); (void) device; *bytes = 1UL << 40; return SIM_OK; }

CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice device) {
    SIM_CALL(0);
    snprintf(text, (size_t) length, "0000:%02X:00.0", device);
    return SIM_OK;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    SIM_CALL(0);
    (void) device;
    switch ((int) attribute) {
    case 1: *value = 1024; break;
    case 16: *value = 2; break;
    case 36: case 37: *value = 0; break;
    case 40: *value = 2; break;
    case 41: case 102: case 103: case 124: case 125: *value = 1; break;
    case 75: *value = 8; break;
    case 76: *value = 0; break;
    case 110: case 116: *value = 0; break;
    /* Writes of NICs have to be flushed, as on an A100. */
    case 117: *value = 1; break;
    case 118: *value = 0; break;
    default: return SIM_INVALID_VALUE;
    }
    return SIM_OK;
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) { SIM_CALL(0); *can = device != peer; return SIM_OK; }

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    SIM_CALL(0);
    (void) device;
    __sync_fetch_and_add(&retained, 1);
    *context = (CUcontext) &context_of_0;
    return SIM_OK;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    SIM_CALL(0);
    (void) device;
    if (__sync_sub_and_fetch(&retained, 1) == 0) {
        int live = sim_live();
        if (live) sim_violation("the context is released while %d objects of it are open", live);
    }
    return SIM_OK;
}

CUresult cuCtxSetCurrent(CUcontext context) { SIM_CALL(0); current = context; return SIM_OK; }
CUresult cuCtxSynchronize(void) { SIM_CALL(1); sim_wait_all(); return sticky; }
CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) { SIM_CALL(1); *least = 0; *greatest = -5; return SIM_OK; }
CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) { SIM_CALL(1); return peer && !flags ? SIM_OK : SIM_INVALID_VALUE; }

/* Work. */

static void *place(uintptr_t address, int on_host, size_t bytes, const char *what) {
    if (on_host) return (void *) address;
    void *host = sim_host(address, bytes);
    if (!host) {
        sim_violation("%s at 0x%lx of %zu bytes: no memory of the device", what, (unsigned long) address, bytes);
        sticky = SIM_ILLEGAL_ADDRESS;
    }
    return host;
}

static void copy(Work *work) {
    size_t rows = work->kind == ROWS ? work->height : 1;
    for (size_t row = 0; row < rows; row++) {
        void *target = place(work->target + row * work->target_pitch, work->target_on_host, work->bytes, "copy to");
        void *source = place(work->source + row * work->source_pitch, work->source_on_host, work->bytes, "copy from");
        if (!target || !source) return;
        memmove(target, source, work->bytes);
    }
}

static void launch(Work *work) {
    void *arguments[MOST_ARGUMENTS];
    for (int i = 0; i < work->kernel->count; i++) {
        arguments[i] = work->arguments[i];
        if (work->kernel->pointers[i]) {
            uintptr_t address;
            memcpy(&address, arguments[i], sizeof address);
            void *host = address ? place(address, 0, 1, work->kernel->name) : NULL;
            if (address && !host) return;
            memcpy(arguments[i], &host, sizeof host);
        }
    }
    sim_run(work->kernel, arguments, work->groups, work->threads);
}

static double now_millis(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static void do_work(Work *work) {
    void *target;
    if (sticky && work->kind != RECORD) return;
    switch (work->kind) {
    case COPY: case ROWS: copy(work); break;
    case FILL:
        target = place(work->target, 0, work->bytes, "fill");
        if (target) memset(target, work->value, work->bytes);
        break;
    case LAUNCH: launch(work); break;
    case RECORD:
        work->point->millis = now_millis();
        if (work->point->done < work->number) work->point->done = work->number;
        break;
    case WAIT:
        while (work->point->done < work->number) usleep(50);
        break;
    }
}

static void *serve(void *argument) {
    CUstream stream = argument;
    pthread_mutex_lock(&lock);
    for (;;) {
        while ((!stream->first || stream->held) && !(stream->closing && !stream->first)) pthread_cond_wait(&changed, &lock);
        if (!stream->first) break;
        Work *work = stream->first;
        unsigned delay = delay_micros;
        pthread_mutex_unlock(&lock);
        if (delay) usleep(delay);
        do_work(work);
        pthread_mutex_lock(&lock);
        stream->first = work->next;
        stream->done++;
        free(work);
        pthread_cond_broadcast(&changed);
    }
    stream->open = 0;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static Work *work_of(int kind) {
    Work *work = calloc(1, sizeof *work);
    work->kind = kind;
    return work;
}

static int give(CUstream stream, Work *work) {
    if (stream < streams || stream >= streams + MOST_STREAMS || !stream->open || stream->closing) {
        if (!stream) sim_violation("work for the default stream, which waits for all others");
        free(work);
        return SIM_INVALID_HANDLE;
    }
    pthread_mutex_lock(&lock);
    if (stream->first) stream->last->next = work;
    else stream->first = work;
    stream->last = work;
    stream->given++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return SIM_OK;
}

static int touches(uintptr_t a, size_t bytes, uintptr_t start, size_t length) { return a < start + length && start < a + bytes; }

int sim_in_use(uintptr_t start, size_t length) {
    int found = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_STREAMS; i++) {
        for (Work *work = streams[i].first; work; work = work->next) {
            size_t rows = work->height ? work->height : 1;
            found |= work->target && touches(work->target, work->bytes + (rows - 1) * work->target_pitch, start, length);
            found |= work->source && touches(work->source, work->bytes + (rows - 1) * work->source_pitch, start, length);
            for (int k = 0; work->kernel && k < work->kernel->count; k++) {
                uintptr_t address;
                memcpy(&address, work->arguments[k], sizeof address);
                found |= work->kernel->pointers[k] && touches(address, 1, start, length);
            }
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static void wait_for(CUstream stream) {
    unsigned long given = stream->given;
    while (stream->done < given) pthread_cond_wait(&changed, &lock);
}

void sim_wait_all(void) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_STREAMS; i++) wait_for(&streams[i]);
    pthread_mutex_unlock(&lock);
}

/* Streams. */

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
    SIM_CALL(1);
    if (flags != 1 || priority > 0 || priority < -5) return SIM_INVALID_VALUE;
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < MOST_STREAMS && streams[i].open) i++;
    if (i < MOST_STREAMS) {
        memset(&streams[i], 0, sizeof streams[i]);
        streams[i].open = 1;
        pthread_create(&streams[i].thread, NULL, serve, &streams[i]);
        pthread_detach(streams[i].thread);
    }
    pthread_mutex_unlock(&lock);
    *stream = &streams[i];
    return i < MOST_STREAMS ? SIM_OK : SIM_OUT_OF_MEMORY;
}

/* Returns at once and goes when its work is done. Here it waits, so that leaks show. */
CUresult cuStreamDestroy_v2(CUstream stream) {
    SIM_CALL(1);
    if (!stream || !stream->open || stream->closing) return SIM_INVALID_HANDLE;
    pthread_mutex_lock(&lock);
    stream->closing = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    while (*(volatile int *) &stream->open) usleep(50);
    return SIM_OK;
}

CUresult cuStreamSynchronize(CUstream stream) {
    SIM_CALL(1);
    if (!stream || !stream->open) return SIM_INVALID_HANDLE;
    pthread_mutex_lock(&lock);
    wait_for(stream);
    pthread_mutex_unlock(&lock);
    return sticky;
}

CUresult cuStreamQuery(CUstream stream) {
    SIM_CALL(1);
    if (!stream || !stream->open) return SIM_INVALID_HANDLE;
    pthread_mutex_lock(&lock);
    int idle = !stream->first;
    pthread_mutex_unlock(&lock);
    return idle ? sticky : SIM_NOT_READY;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
    SIM_CALL(1);
    if (!event || !event->open || flags) return SIM_INVALID_HANDLE;
    Work *work = work_of(WAIT);
    work->point = event->point;
    work->number = event->point->recorded;
    return give(stream, work);
}

/* Events. */

static CUevent new_event(int fd, unsigned flags) {
    CUevent event = calloc(1, sizeof *event);
    event->fd = fd;
    event->timed = !(flags & 2);
    event->shared = fd >= 0;
    event->open = 1;
    event->point = fd < 0 ? calloc(1, sizeof(Point)) : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    __sync_fetch_and_add(&live_events, 1);
    return event;
}

CUresult cuEventCreate(CUevent *event, unsigned flags) {
    SIM_CALL(1);
    /* Only events without times are shared. */
    if ((flags & 4) && !(flags & 2)) return SIM_INVALID_VALUE;
    int fd = -1;
    if (flags & 4) {
        fd = memfd_create("cuda-simulator-event", MFD_CLOEXEC);
        if (ftruncate(fd, 4096)) return SIM_OUT_OF_MEMORY;
    }
    *event = new_event(fd, flags);
    return SIM_OK;
}

/* The point stays: a stream may still wait for it. */
CUresult cuEventDestroy_v2(CUevent event) {
    SIM_CALL(1);
    if (!event || !event->open) return SIM_INVALID_HANDLE;
    event->open = 0;
    if (event->fd >= 0) close(event->fd);
    __sync_fetch_and_sub(&live_events, 1);
    return SIM_OK;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
    SIM_CALL(1);
    if (!event || !event->open) return SIM_INVALID_HANDLE;
    Work *work = work_of(RECORD);
    work->point = event->point;
    work->number = __sync_add_and_fetch(&event->point->recorded, 1);
    return give(stream, work);
}

CUresult cuEventQuery(CUevent event) {
    SIM_CALL(1);
    if (!event || !event->open) return SIM_INVALID_HANDLE;
    return event->point->done >= event->point->recorded ? sticky : SIM_NOT_READY;
}

CUresult cuEventSynchronize(CUevent event) {
    SIM_CALL(1);
    if (!event || !event->open) return SIM_INVALID_HANDLE;
    unsigned long recorded = event->point->recorded;
    while (event->point->done < recorded) usleep(50);
    return sticky;
}

CUresult cuEventElapsedTime(float *millis, CUevent start, CUevent end) {
    SIM_CALL(1);
    if (!start->timed || !end->timed || !start->point->done || !end->point->done) return SIM_INVALID_HANDLE;
    *millis = (float) (end->point->millis - start->point->millis);
    return SIM_OK;
}

typedef struct { unsigned long magic; int pid, fd; } IpcEvent;
#define EVENT_MAGIC 0x6576656E74000001UL

CUresult cuIpcGetEventHandle(CUipcEventHandle *handle, CUevent event) {
    SIM_CALL(1);
    if (!event || !event->shared) return SIM_INVALID_HANDLE;
    IpcEvent own = {EVENT_MAGIC, getpid(), event->fd};
    memset(handle, 0, sizeof *handle);
    memcpy(handle, &own, sizeof own);
    return SIM_OK;
}

CUresult cuIpcOpenEventHandle(CUevent *event, CUipcEventHandle handle) {
    SIM_CALL(1);
    IpcEvent theirs;
    memcpy(&theirs, &handle, sizeof theirs);
    if (theirs.magic != EVENT_MAGIC || theirs.pid == getpid()) return SIM_INVALID_CONTEXT;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", theirs.pid, theirs.fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return SIM_INVALID_VALUE;
    *event = new_event(fd, 6);
    return SIM_OK;
}

/* Copies. */

static int give_copy(CUstream stream, uintptr_t target, int target_on_host, uintptr_t source, int source_on_host, size_t bytes) {
    Work *work = work_of(COPY);
    work->target = target;
    work->target_on_host = target_on_host;
    work->source = source;
    work->source_on_host = source_on_host;
    work->bytes = bytes;
    return give(stream, work);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void *source, size_t bytes, CUstream stream) {
    SIM_CALL(1);
    return give_copy(stream, target, 0, (uintptr_t) source, 1, bytes);
}

CUresult cuMemcpyDtoHAsync_v2(void *target, CUdeviceptr source, size_t bytes, CUstream stream) {
    SIM_CALL(1);
    return give_copy(stream, (uintptr_t) target, 1, source, 0, bytes);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream) {
    SIM_CALL(1);
    return give_copy(stream, target, 0, source, 0, bytes);
}

CUresult cuMemcpyPeerAsync(CUdeviceptr target, CUcontext to, CUdeviceptr source, CUcontext from, size_t bytes, CUstream stream) {
    SIM_CALL(1);
    return to && from ? give_copy(stream, target, 0, source, 0, bytes) : SIM_INVALID_CONTEXT;
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, CUstream stream) {
    SIM_CALL(1);
    int plain = !copy->srcXInBytes && !copy->srcY && !copy->dstXInBytes && !copy->dstY;
    if (!plain || (int) copy->srcMemoryType != 2 || (int) copy->dstMemoryType != 2 ||
            copy->srcPitch < copy->WidthInBytes || copy->dstPitch < copy->WidthInBytes) return SIM_INVALID_VALUE;
    Work *work = work_of(ROWS);
    work->target = copy->dstDevice;
    work->source = copy->srcDevice;
    work->target_pitch = copy->dstPitch;
    work->source_pitch = copy->srcPitch;
    work->bytes = copy->WidthInBytes;
    work->height = copy->Height;
    return give(stream, work);
}

/* As since CUDA 13. */
CUresult cuMemcpyBatchAsync_v2(
        CUdeviceptr *targets, CUdeviceptr *sources, size_t *sizes, size_t count, CUmemcpyAttributes *attributes,
        size_t *indices, size_t attribute_count, CUstream stream) {
    SIM_CALL(1);
    if (!count || attribute_count != 1 || indices[0] != 0 || *(int *) attributes != 1) return SIM_INVALID_VALUE;
    int status = SIM_OK;
    for (size_t i = 0; i < count && !status; i++) status = give_copy(stream, targets[i], 0, sources[i], 0, sizes[i]);
    return status;
}

CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t bytes, CUstream stream) {
    SIM_CALL(1);
    Work *work = work_of(FILL);
    work->target = target;
    work->value = value;
    work->bytes = bytes;
    return give(stream, work);
}

/* Modules. */

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
    SIM_CALL(1);
    const char *ptx = image;
    if (!strstr(ptx, ".version") || !strstr(ptx, ".target")) {
        for (unsigned i = 0; i + 1 < count; i++) {
            if ((int) options[i] == 5 && (int) options[i + 1] == 6) {
                snprintf(values[i], (size_t) values[i + 1], "ptxas fatal : this is no PTX: %.40s", ptx);
            }
        }
        return SIM_INVALID_PTX;
    }
    *module = calloc(1, sizeof **module);
    (*module)->ptx = strdup(ptx);
    __sync_fetch_and_add(&live_modules, 1);
    return SIM_OK;
}

CUresult cuModuleUnload(CUmodule module) {
    SIM_CALL(1);
    free(module->ptx);
    free(module);
    __sync_fetch_and_sub(&live_modules, 1);
    return SIM_OK;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    SIM_CALL(1);
    char entry[128];
    snprintf(entry, sizeof entry, ".entry %s(", name);
    for (int i = 0; strstr(module->ptx, entry) && i < sim_kernel_count; i++) {
        if (!strcmp(sim_kernels[i].name, name)) {
            *function = malloc(sizeof **function); /* lives as long as the process, as nothing says when it ends */
            (*function)->kernel = &sim_kernels[i];
            return SIM_OK;
        }
    }
    return SIM_NOT_FOUND;
}

CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t *offset, size_t *size) {
    SIM_CALL(0);
    if (index >= (size_t) function->kernel->count) return SIM_INVALID_VALUE;
    *offset = 0;
    *size = function->kernel->sizes[index];
    return SIM_OK;
}

CUresult cuLaunchKernel(
        CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
        unsigned block_z, unsigned shared_bytes, CUstream stream, void **arguments, void **extra) {
    SIM_CALL(1);
    int plain = grid_x && grid_y == 1 && grid_z == 1 && block_x && block_y == 1 && block_z == 1 && !shared_bytes && !extra;
    if (!plain || block_x > 1024) return SIM_INVALID_VALUE;
    Work *work = work_of(LAUNCH);
    work->kernel = function->kernel;
    work->groups = grid_x;
    work->threads = block_x;
    for (int i = 0; i < work->kernel->count; i++) memcpy(work->arguments[i], arguments[i], work->kernel->sizes[i]);
    return give(stream, work);
}
