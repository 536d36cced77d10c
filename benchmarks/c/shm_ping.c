/*
 * A message of 64 bytes there and back through shared memory between two processes that spin: what no wire can beat.
 *
 *   shm_ping SECONDS
 *
 * Prints one line of JSON: {"p50Micros"}.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

struct box {
    _Alignas(128) _Atomic uint64_t count;
    char message[64];
};

static void put(struct box *box, const char *message, uint64_t count) {
    memcpy(box->message, message, 64);
    atomic_store_explicit(&box->count, count, memory_order_release);
}

static void take(struct box *box, char *message, uint64_t count) {
    while (atomic_load_explicit(&box->count, memory_order_acquire) < count) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    memcpy(message, box->message, 64);
}

static int less(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    double seconds = argc == 2 ? atof(argv[1]) : 0;
    if (seconds <= 0) {
        fprintf(stderr, "usage: shm_ping SECONDS\n");
        return 2;
    }
    struct box *boxes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (boxes == MAP_FAILED) return 1;
    char message[64] = "ping";
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
        for (uint64_t i = 1;; i++) {
            take(&boxes[0], message, i);
            put(&boxes[1], message, i);
        }
    }
    enum { MOST = 1 << 20 };
    double *times = malloc(MOST * sizeof *times);
    if (!times) return 1;
    double start = now();
    uint64_t kept = 0;
    for (uint64_t i = 1; now() - start < seconds; i++) {
        double before = now();
        put(&boxes[0], message, i);
        take(&boxes[1], message, i);
        times[kept++ % MOST] = (now() - before) * 1e6;
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    size_t count = kept < MOST ? (size_t)kept : MOST;
    qsort(times, count, sizeof *times, less);
    printf("{\"p50Micros\":%.3f}\n", times[count / 2]);
    return 0;
}
