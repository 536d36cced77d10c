/*
 * The limit of one thread that copies between two shared mappings (memfd), each of FOOTPRINT bytes, as a process does that
 * fetches blocks out of another's memory: blocks of SIZE bytes, one memcpy each.
 *
 *   shm_copy FOOTPRINT SIZE SECONDS [scattered]
 *
 * With "scattered", the blocks of both sides are walked in two random orders. Prints one line of JSON: {"sizeBytes",
 * "footprintBytes", "gigabytesPerSecond"}; 1 GB is 10^9 bytes. The first second is not counted.
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "common.h"

static char *shared(size_t bytes) {
    int fd = memfd_create("shm_copy", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)bytes)) die("memfd");
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) die("mmap");
    memset(p, 1, bytes);
    return p;
}

int main(int argc, char **argv) {
    if (argc != 4 && !(argc == 5 && strcmp(argv[4], "scattered") == 0)) {
        fprintf(stderr, "usage: shm_copy FOOTPRINT SIZE SECONDS [scattered]\n");
        return 2;
    }
    size_t footprint = strtoull(argv[1], NULL, 10), size = strtoull(argv[2], NULL, 10);
    double seconds = atof(argv[3]);
    if (size == 0 || footprint < size || seconds <= 0) {
        fprintf(stderr, "shm_copy: need 0 < SIZE <= FOOTPRINT and SECONDS > 0\n");
        return 2;
    }
    size_t count = footprint / size;
    char *from = shared(footprint), *to = shared(footprint);
    size_t *source = order(count, argc == 5, 1), *target = order(count, argc == 5, 2);
    double start = now(), counted_from = 0;
    uint64_t bytes = 0;
    for (size_t i = 0;; i = i + 1 == count ? 0 : i + 1) {
        memcpy(to + target[i] * size, from + source[i] * size, size);
        bytes += size;
        if (i % 64 == 0 || size >= 1 << 20) {
            double t = now();
            if (counted_from == 0 && t - start > 1.0) {
                counted_from = t;
                bytes = 0;
            }
            if (counted_from != 0 && t - counted_from >= seconds) break;
        }
    }
    printf("{\"sizeBytes\":%zu,\"footprintBytes\":%zu,\"gigabytesPerSecond\":%.4f}\n", size, footprint,
           bytes / 1e9 / (now() - counted_from));
    return 0;
}
