/*
 * A Level Zero loader with one device, whose memory is that of the host. It checks what it is called
 * with: types of structs, handles, that nothing is used after it was freed, that kernels have all their
 * arguments and reach no memory but the driver's, and counts what is open.
 *
 * Linked with device kernels that were compiled for this host, it runs those; alone it has one, add.
 */
#define _GNU_SOURCE
#include <level_zero/ze_api.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s: %s\n", __func__, #condition); \
            return ZE_RESULT_ERROR_INVALID_ARGUMENT; \
        } \
    } while (0)

#define MOST_ALLOCATIONS 4096

/* As in the simulated CUDA driver, whose kernels these are. */
typedef struct {
    const char *name;
    void (*invoke)(void **arguments);
    int barriers;
    int count;
    const size_t *sizes;
    const unsigned char *pointers;
} SimKernel;

extern const SimKernel sim_kernels[] __attribute__((weak));
extern const int sim_kernel_count __attribute__((weak));
void sim_run(const SimKernel *kernel, void **arguments, unsigned groups, unsigned threads) __attribute__((weak));

#define MOST_ARGUMENTS 24
#define MOST_ARGUMENT_BYTES 256

static int driver, device, context, build_log;
static int initialised, open_objects;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

#define DRIVER ((ze_driver_handle_t) &driver)
#define DEVICE ((ze_device_handle_t) &device)
#define CONTEXT ((ze_context_handle_t) &context)
#define BUILD_LOG ((ze_module_build_log_handle_t) &build_log)

/* Lists, modules and kernels: a word that says what they are, and is gone when they are. */
enum { LIST = 0x4C495354, MODULE = 0x4D4F4455, KERNEL = 0x4B45524E };

struct object {
    int kind;
    const SimKernel *kernel; /* NULL for add */
    uint32_t threads;
    int set[MOST_ARGUMENTS];
    _Alignas(16) unsigned char values[MOST_ARGUMENTS][MOST_ARGUMENT_BYTES];
};

static void *open_object(int kind) {
    struct object *made = calloc(1, sizeof *made);
    made->kind = kind;
    __sync_fetch_and_add(&open_objects, 1);
    return made;
}

static void close_object(void *which) {
    ((struct object *) which)->kind = 0;
    free(which);
    __sync_fetch_and_sub(&open_objects, 1);
}

#define IS(which, what) ((which) && ((const struct object *) (which))->kind == (what))

static struct allocation {
    char *base;
    size_t size;
    int exported;
} allocations[MOST_ALLOCATIONS];

/* What is open: 0 when everything was closed. */
int simulated_open(void) {
    return open_objects;
}

static struct allocation *find(const void *pointer) {
    for (int i = 0; i < MOST_ALLOCATIONS; i++) {
        struct allocation *a = &allocations[i];
        if (a->base && (const char *) pointer >= a->base && (const char *) pointer < a->base + a->size) {
            return a;
        }
    }
    return NULL;
}

static ze_result_t allocate(size_t size, size_t alignment, int exported, void **out) {
    REQUIRE(size > 0 && alignment > 0 && (alignment & (alignment - 1)) == 0);
    if (size > (size_t) 1 << 30) {
        return ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    ze_result_t result = ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY;
    pthread_mutex_lock(&one_at_a_time);
    for (int i = 0; i < MOST_ALLOCATIONS && result != ZE_RESULT_SUCCESS; i++) {
        if (!allocations[i].base) {
            if (posix_memalign(out, alignment < 4096 ? 4096 : alignment, size)) {
                break;
            }
            /* Not zeros: whoever wants those has to ask for them. */
            memset(*out, 0xA5, size < 1 << 20 ? size : 1 << 20);
            allocations[i] = (struct allocation) {*out, size, exported};
            __sync_fetch_and_add(&open_objects, 1);
            result = ZE_RESULT_SUCCESS;
        }
    }
    pthread_mutex_unlock(&one_at_a_time);
    return result;
}

ze_result_t zeInit(ze_init_flags_t flags) {
    REQUIRE(flags == 0);
    initialised = 1;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeDriverGet(uint32_t *count, ze_driver_handle_t *drivers) {
    REQUIRE(initialised && *count >= 1 && drivers);
    *count = 1;
    drivers[0] = DRIVER;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeDeviceGet(ze_driver_handle_t of, uint32_t *count, ze_device_handle_t *devices) {
    REQUIRE(of == DRIVER && *count >= 1 && devices);
    *count = 1;
    devices[0] = DEVICE;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeDeviceGetProperties(ze_device_handle_t of, ze_device_properties_t *out) {
    REQUIRE(of == DEVICE && out->stype == ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES && !out->pNext);
    out->type = ZE_DEVICE_TYPE_GPU;
    out->maxMemAllocSize = (uint64_t) 3 << 32;
    for (int i = 0; i < ZE_MAX_DEVICE_UUID_SIZE; i++) {
        out->uuid.id[i] = (uint8_t) (i + 1);
    }
    strcpy(out->name, "Simulated");
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeDeviceGetMemoryProperties(
        ze_device_handle_t of, uint32_t *count, ze_device_memory_properties_t *out) {
    REQUIRE(of == DEVICE && *count >= 2);
    *count = 2;
    for (int i = 0; i < 2; i++) {
        REQUIRE(out[i].stype == ZE_STRUCTURE_TYPE_DEVICE_MEMORY_PROPERTIES);
        out[i].totalSize = (uint64_t) (i + 1) << 33;
    }
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeDeviceGetCommandQueueGroupProperties(
        ze_device_handle_t of, uint32_t *count, ze_command_queue_group_properties_t *out) {
    REQUIRE(of == DEVICE && *count >= 2);
    *count = 2;
    for (int i = 0; i < 2; i++) {
        REQUIRE(out[i].stype == ZE_STRUCTURE_TYPE_COMMAND_QUEUE_GROUP_PROPERTIES);
    }
    out[0].flags = ZE_COMMAND_QUEUE_GROUP_PROPERTY_FLAG_COPY;
    out[1].flags = ZE_COMMAND_QUEUE_GROUP_PROPERTY_FLAG_COMPUTE;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeDeviceCanAccessPeer(ze_device_handle_t one, ze_device_handle_t peer, ze_bool_t *out) {
    REQUIRE(one == DEVICE && peer == DEVICE);
    *out = 1;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeContextCreate(
        ze_driver_handle_t of, const ze_context_desc_t *desc, ze_context_handle_t *out) {
    REQUIRE(of == DRIVER && desc->stype == ZE_STRUCTURE_TYPE_CONTEXT_DESC && !desc->pNext);
    __sync_fetch_and_add(&open_objects, 1);
    *out = CONTEXT;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeContextDestroy(ze_context_handle_t which) {
    REQUIRE(which == CONTEXT);
    __sync_fetch_and_sub(&open_objects, 1);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeCommandListCreateImmediate(
        ze_context_handle_t in,
        ze_device_handle_t of,
        const ze_command_queue_desc_t *desc,
        ze_command_list_handle_t *out) {
    REQUIRE(in == CONTEXT && of == DEVICE);
    REQUIRE(desc->stype == ZE_STRUCTURE_TYPE_COMMAND_QUEUE_DESC && !desc->pNext);
    REQUIRE(desc->ordinal == 1 && desc->index == 0);
    REQUIRE(desc->mode == ZE_COMMAND_QUEUE_MODE_SYNCHRONOUS && desc->priority == 0);
    *out = open_object(LIST);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeCommandListDestroy(ze_command_list_handle_t which) {
    REQUIRE(IS(which, LIST));
    close_object(which);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeCommandListAppendMemoryCopy(
        ze_command_list_handle_t on,
        void *target,
        const void *source,
        size_t size,
        ze_event_handle_t signal,
        uint32_t waits,
        ze_event_handle_t *events) {
    REQUIRE(IS(on, LIST) && !signal && waits == 0 && !events);
    memcpy(target, source, size);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeCommandListAppendMemoryFill(
        ze_command_list_handle_t on,
        void *target,
        const void *pattern,
        size_t pattern_size,
        size_t size,
        ze_event_handle_t signal,
        uint32_t waits,
        ze_event_handle_t *events) {
    REQUIRE(IS(on, LIST) && !signal && waits == 0 && !events && pattern_size == 1 && find(target));
    memset(target, *(const unsigned char *) pattern, size);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeMemAllocDevice(
        ze_context_handle_t in,
        const ze_device_mem_alloc_desc_t *desc,
        size_t size,
        size_t alignment,
        ze_device_handle_t of,
        void **out) {
    REQUIRE(in == CONTEXT && of == DEVICE);
    REQUIRE(desc->stype == ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC && desc->ordinal == 0);
    const ze_external_memory_export_desc_t *export = desc->pNext;
    if (export) {
        REQUIRE(export->stype == ZE_STRUCTURE_TYPE_EXTERNAL_MEMORY_EXPORT_DESC);
        REQUIRE(export->flags == ZE_EXTERNAL_MEMORY_TYPE_FLAG_DMA_BUF && !export->pNext);
    }
    return allocate(size, alignment, export != NULL, out);
}

ze_result_t zeMemAllocHost(
        ze_context_handle_t in,
        const ze_host_mem_alloc_desc_t *desc,
        size_t size,
        size_t alignment,
        void **out) {
    REQUIRE(in == CONTEXT && desc->stype == ZE_STRUCTURE_TYPE_HOST_MEM_ALLOC_DESC);
    return allocate(size, alignment, 0, out);
}

ze_result_t zeMemFree(ze_context_handle_t in, void *pointer) {
    struct allocation *a = find(pointer);
    REQUIRE(in == CONTEXT && a && a->base == pointer);
    pthread_mutex_lock(&one_at_a_time);
    free(a->base);
    a->base = NULL;
    pthread_mutex_unlock(&one_at_a_time);
    __sync_fetch_and_sub(&open_objects, 1);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeMemGetAddressRange(
        ze_context_handle_t in, const void *pointer, void **base, size_t *size) {
    struct allocation *a = find(pointer);
    REQUIRE(in == CONTEXT && a);
    *base = a->base;
    *size = a->size;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeMemGetAllocProperties(
        ze_context_handle_t in,
        const void *pointer,
        ze_memory_allocation_properties_t *out,
        ze_device_handle_t *owner) {
    struct allocation *a = find(pointer);
    REQUIRE(in == CONTEXT && a && out->stype == ZE_STRUCTURE_TYPE_MEMORY_ALLOCATION_PROPERTIES);
    ze_external_memory_export_fd_t *export = out->pNext;
    REQUIRE(export && export->stype == ZE_STRUCTURE_TYPE_EXTERNAL_MEMORY_EXPORT_FD);
    REQUIRE(export->flags == ZE_EXTERNAL_MEMORY_TYPE_FLAG_DMA_BUF);
    if (a->exported) {
        export->fd = memfd_create("dma-buf", 0);
    }
    out->type = ZE_MEMORY_TYPE_DEVICE;
    *owner = DEVICE;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeMemGetIpcHandle(
        ze_context_handle_t in, const void *pointer, ze_ipc_mem_handle_t *out) {
    REQUIRE(in == CONTEXT && find(pointer));
    memset(out, 0x5A, sizeof *out);
    memcpy(out->data, &pointer, sizeof pointer);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeMemOpenIpcHandle(
        ze_context_handle_t in,
        ze_device_handle_t of,
        ze_ipc_mem_handle_t handle,
        ze_ipc_memory_flags_t flags,
        void **out) {
    REQUIRE(in == CONTEXT && of == DEVICE && flags == 0);
    for (unsigned i = sizeof *out; i < sizeof handle; i++) {
        REQUIRE(handle.data[i] == 0x5A);
    }
    memcpy(out, handle.data, sizeof *out);
    __sync_fetch_and_add(&open_objects, 1);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeMemCloseIpcHandle(ze_context_handle_t in, const void *pointer) {
    REQUIRE(in == CONTEXT && find(pointer));
    __sync_fetch_and_sub(&open_objects, 1);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeModuleCreate(
        ze_context_handle_t in,
        ze_device_handle_t of,
        const ze_module_desc_t *desc,
        ze_module_handle_t *out,
        ze_module_build_log_handle_t *log) {
    REQUIRE(in == CONTEXT && of == DEVICE && desc->stype == ZE_STRUCTURE_TYPE_MODULE_DESC);
    REQUIRE(desc->format == ZE_MODULE_FORMAT_IL_SPIRV && !desc->pConstants);
    __sync_fetch_and_add(&open_objects, 1);
    *log = BUILD_LOG;
    /* The first word of every SPIR-V module. */
    uint32_t magic;
    REQUIRE(desc->inputSize >= sizeof magic);
    memcpy(&magic, desc->pInputModule, sizeof magic);
    if (magic != 0x07230203) {
        return ZE_RESULT_ERROR_MODULE_BUILD_FAILURE;
    }
    REQUIRE(!*desc->pBuildFlags || strcmp(desc->pBuildFlags, "-some-option") == 0);
    *out = open_object(MODULE);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeModuleDestroy(ze_module_handle_t which) {
    REQUIRE(IS(which, MODULE));
    close_object(which);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeModuleBuildLogGetString(ze_module_build_log_handle_t of, size_t *size, char *out) {
    static const char text[] = "not SPIR-V";
    REQUIRE(of == BUILD_LOG);
    if (out) {
        memcpy(out, text, sizeof text);
    }
    *size = sizeof text;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeModuleBuildLogDestroy(ze_module_build_log_handle_t which) {
    REQUIRE(which == BUILD_LOG);
    __sync_fetch_and_sub(&open_objects, 1);
    return ZE_RESULT_SUCCESS;
}

/* Adds a number to each byte of its groups. */
static const size_t add_sizes[] = {sizeof(void *), sizeof(int)};
static const unsigned char add_pointers[] = {1, 0};
static const SimKernel add = {"add", NULL, 0, 2, add_sizes, add_pointers};

static void run_add(const struct object *kernel, uint32_t groups) {
    unsigned char *memory = *(unsigned char *const *) kernel->values[0];
    int number = *(const int *) kernel->values[1];
    for (uint32_t i = 0; i < groups * kernel->threads; i++) {
        memory[i] = (unsigned char) (memory[i] + number);
    }
}

static const SimKernel *kernel_named(const char *name) {
    for (int i = 0; &sim_kernel_count && i < sim_kernel_count; i++) {
        if (strcmp(sim_kernels[i].name, name) == 0) {
            return &sim_kernels[i];
        }
    }
    return strcmp(name, add.name) == 0 ? &add : NULL;
}

ze_result_t zeKernelCreate(
        ze_module_handle_t in, const ze_kernel_desc_t *desc, ze_kernel_handle_t *out) {
    REQUIRE(IS(in, MODULE) && desc->stype == ZE_STRUCTURE_TYPE_KERNEL_DESC);
    const SimKernel *named = kernel_named(desc->pKernelName);
    if (!named) {
        return ZE_RESULT_ERROR_INVALID_KERNEL_NAME;
    }
    REQUIRE(named->count <= MOST_ARGUMENTS);
    struct object *made = open_object(KERNEL);
    made->kernel = named;
    *out = (ze_kernel_handle_t) made;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeKernelDestroy(ze_kernel_handle_t which) {
    REQUIRE(IS(which, KERNEL));
    close_object(which);
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeKernelSetGroupSize(ze_kernel_handle_t of, uint32_t x, uint32_t y, uint32_t z) {
    REQUIRE(IS(of, KERNEL) && y == 1 && z == 1);
    if (x > 1024) {
        return ZE_RESULT_ERROR_INVALID_GROUP_SIZE_DIMENSION;
    }
    ((struct object *) of)->threads = x;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeKernelSetArgumentValue(
        ze_kernel_handle_t of, uint32_t index, size_t size, const void *value) {
    REQUIRE(IS(of, KERNEL));
    struct object *kernel = (struct object *) of;
    if (index >= (uint32_t) kernel->kernel->count) {
        return ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_INDEX;
    }
    if (size != kernel->kernel->sizes[index]) {
        return ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_SIZE;
    }
    REQUIRE(size <= MOST_ARGUMENT_BYTES);
    memcpy(kernel->values[index], value, size);
    kernel->set[index] = 1;
    return ZE_RESULT_SUCCESS;
}

ze_result_t zeCommandListAppendLaunchKernel(
        ze_command_list_handle_t on,
        ze_kernel_handle_t which,
        const ze_group_count_t *groups,
        ze_event_handle_t signal,
        uint32_t waits,
        ze_event_handle_t *events) {
    REQUIRE(IS(on, LIST) && IS(which, KERNEL) && !signal && waits == 0 && !events);
    REQUIRE(groups->groupCountX > 0 && groups->groupCountY == 1 && groups->groupCountZ == 1);
    struct object *kernel = (struct object *) which;
    void *arguments[MOST_ARGUMENTS];
    for (int i = 0; i < kernel->kernel->count; i++) {
        REQUIRE(kernel->set[i]);
        /* A device reaches what the driver has allocated, and nothing else. */
        REQUIRE(!kernel->kernel->pointers[i] || find(*(void **) kernel->values[i]));
        arguments[i] = kernel->values[i];
    }
    if (kernel->kernel == &add) {
        run_add(kernel, groups->groupCountX);
    } else {
        sim_run(kernel->kernel, arguments, groups->groupCountX, kernel->threads);
    }
    return ZE_RESULT_SUCCESS;
}
