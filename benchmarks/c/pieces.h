/*
 * Memory of a working set in pieces, and what every word of it must be: shared by the plain C programs here. The
 * including file sets piece, footprint, count and scattered, and says with program() who reports an error.
 */
#ifndef KVWIRE_PIECES_H
#define KVWIRE_PIECES_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

static const char *program(void);
static size_t piece, footprint, count;
static int scattered;

static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static inline void die(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", program(), what, strerror(errno));
    exit(1);
}

/* Memory of one process lies in huge pages where the kernel has them, as that of the others does. */
static inline char *mapping(size_t bytes, int shared) {
    int kind = shared ? MAP_SHARED : MAP_PRIVATE;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) die("mmap");
    if (!shared) (void)madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

static inline size_t *order(unsigned seed) {
    size_t *all = malloc(count * sizeof *all);
    if (!all) die("malloc");
    for (size_t i = 0; i < count; i++) all[i] = i;
    srandom(seed);
    for (size_t i = count - 1; scattered && i > 0; i--) {
        size_t j = (size_t)random() % (i + 1), kept = all[i];
        all[i] = all[j];
        all[j] = kept;
    }
    return all;
}

static inline uint64_t word(size_t place, size_t index) {
    return (place * (piece / 8) + index + 1) * 0x9E3779B97F4A7C15ull;
}

static inline void fill(char *memory, const size_t *ids, size_t places) {
    for (size_t place = 0; place < places; place++) {
        uint64_t *p = (uint64_t *)(memory + ids[place] * piece);
        for (size_t i = 0; i < piece / 8; i++) p[i] = word(place, i);
    }
}

static inline int right(const char *memory, const size_t *ids, size_t places) {
    for (size_t place = 0; place < places && place < count; place++) {
        const uint64_t *p = (const uint64_t *)(memory + ids[place] * piece);
        for (size_t i = 0; i < piece / 8; i++)
            if (p[i] != word(place, i)) return 0;
    }
    return 1;
}

static inline int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double cpu(const struct rusage *u) {
    return u->ru_utime.tv_sec + u->ru_stime.tv_sec + (u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1e-6;
}

static inline double own_cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return cpu(&u);
}

#endif
