/*
 * Memory of a working set in pieces, and what every word of it must be. The including file defines _GNU_SOURCE first.
 */
#ifndef KVWIRE_PIECES_H
#define KVWIRE_PIECES_H

#include "common.h"

enum { MAX_DEPTH = 64 };

/* A list has so many pieces of so many bytes, and the working set has count pieces. */
static size_t piece, pieces, footprint, count;
static int scattered, depth;
static double seconds;

/* Takes PIECE PIECES FOOTPRINT SCATTERED DEPTH SECONDS; says what is wrong, and gives 0, when they are. */
static inline int numbers(char **words) {
    piece = strtoull(words[0], NULL, 10);
    pieces = strtoull(words[1], NULL, 10);
    footprint = strtoull(words[2], NULL, 10);
    scattered = atoi(words[3]);
    depth = atoi(words[4]);
    seconds = atof(words[5]);
    if (piece >= 8 && piece % 8 == 0 && pieces >= 1 && footprint >= piece * pieces && depth >= 1 && depth <= MAX_DEPTH
        && seconds > 0) {
        count = footprint / piece;
        return 1;
    }
    fprintf(stderr, "%s: PIECE a multiple of 8, PIECE * PIECES <= FOOTPRINT, DEPTH 1 to %d, SECONDS > 0\n",
            program_invocation_short_name, MAX_DEPTH);
    return 0;
}

/* Memory of one process lies in huge pages where the kernel has them, as that of the others does. */
static inline char *mapping(size_t bytes, int shared) {
    int kind = shared ? MAP_SHARED : MAP_PRIVATE;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) die("mmap");
    if (!shared) (void)madvise(p, bytes, MADV_HUGEPAGE);
    return p;
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

static inline double cpu(const struct rusage *u) {
    return u->ru_utime.tv_sec + u->ru_stime.tv_sec + (u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1e-6;
}

static inline double own_cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return cpu(&u);
}

#endif
