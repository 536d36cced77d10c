/*
 * The limit of one TCP connection over loopback: one process sends from a buffer of FOOTPRINT bytes, another receives
 * into one of its own, each piece of SIZE bytes with one call, round and round.
 *
 *   tcp_loop FOOTPRINT SIZE SECONDS
 *
 * Prints one line of JSON: {"sizeBytes", "footprintBytes", "gigabytesPerSecond", "cpuSecondsPerGigabyte"}; 1 GB is 10^9
 * bytes. The first second is not counted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu_seconds(int who) {
    struct rusage u;
    getrusage(who, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void die(const char *what) {
    fprintf(stderr, "tcp_loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static char *buffer(size_t bytes) {
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) die("mmap");
    // As kvwire asks for its caches; refused on kernels without huge pages.
    (void)madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 1, bytes);
    return p;
}

static void send_forever(int fd, size_t footprint, size_t size) {
    char *p = buffer(footprint);
    for (size_t at = 0;; at = at + size > footprint - size ? 0 : at + size) {
        for (size_t done = 0; done < size;) {
            ssize_t n = send(fd, p + at + done, size - done, MSG_NOSIGNAL);
            if (n <= 0) exit(0);
            done += (size_t)n;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: tcp_loop FOOTPRINT SIZE SECONDS\n");
        return 2;
    }
    size_t footprint = strtoull(argv[1], NULL, 10), size = strtoull(argv[2], NULL, 10);
    double seconds = atof(argv[3]);
    if (size == 0 || footprint < size || seconds <= 0) {
        fprintf(stderr, "tcp_loop: need 0 < SIZE <= FOOTPRINT and SECONDS > 0\n");
        return 2;
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)
        || getsockname(listener, (struct sockaddr *)&address, &length)) die("listen");
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
        send_forever(fd, footprint, size);
    }
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    char *p = buffer(footprint);
    double start = now(), counted_from = 0;
    double cpu_before = 0;
    uint64_t bytes = 0;
    size_t at = 0;
    for (;;) {
        double t = now();
        if (counted_from == 0 && t - start > 1.0) {
            counted_from = t;
            bytes = 0;
            cpu_before = cpu_seconds(RUSAGE_SELF);
        }
        if (counted_from != 0 && t - counted_from >= seconds) break;
        for (size_t done = 0; done < size;) {
            ssize_t n = recv(fd, p + at + done, size - done, 0);
            if (n <= 0) die("recv");
            done += (size_t)n;
        }
        bytes += size;
        at = at + size > footprint - size ? 0 : at + size;
    }
    double elapsed = now() - counted_from;
    double receiver = cpu_seconds(RUSAGE_SELF) - cpu_before;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    /* The sender's share is of its whole life, which is longer by the uncounted second. */
    double sender = cpu_seconds(RUSAGE_CHILDREN) * elapsed / (now() - start);
    double gigabytes = bytes / 1e9;
    printf("{\"sizeBytes\":%zu,\"footprintBytes\":%zu,\"gigabytesPerSecond\":%.4f,\"cpuSecondsPerGigabyte\":%.4f}\n",
           size, footprint, gigabytes / elapsed, (receiver + sender) / gigabytes);
    return 0;
}
