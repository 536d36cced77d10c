/* What the plain C programs here share. The including file defines _GNU_SOURCE first. */
#ifndef KVWIRE_COMMON_H
#define KVWIRE_COMMON_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static inline void die(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

/* The numbers below count, in random order where they are to be scattered. */
static inline size_t *order(size_t count, int scattered, unsigned seed) {
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

static inline int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#endif
