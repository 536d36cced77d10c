/*
 * The limit of one TCP connection over loopback: one process sends from a buffer of FOOTPRINT bytes, another receives
 * into one of its own, SIZE bytes with one call, round and round. With PIECE, each call takes SIZE / PIECE pieces that
 * lie scattered over the buffer, in another order at each end.
 *
 *   tcp_loop FOOTPRINT SIZE SECONDS [PIECE]
 *
 * Prints one line of JSON: {"sizeBytes", "footprintBytes", "gigabytesPerSecond", "cpuSecondsPerGigabyte"}; 1 GB is 10^9
 * bytes. The first second is not counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

static double cpu_seconds(int who) {
    struct rusage u;
    getrusage(who, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static char *buffer(size_t bytes) {
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) die("mmap");
    // As kvwire asks for its caches; refused on kernels without huge pages.
    (void)madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 1, bytes);
    return p;
}

/* Where the next bytes are: the pieces of a buffer in an order of their own, as many as one call takes. */
struct walk {
    char *base;
    size_t piece, pieces, per_call, next;
    size_t *order;
    struct iovec *vector;
    int left;
    struct iovec *first;
};

static struct walk walk_of(size_t footprint, size_t size, size_t piece, unsigned seed) {
    struct walk w = {.base = buffer(footprint), .piece = piece, .pieces = footprint / piece, .per_call = size / piece};
    w.order = order(w.pieces, seed != 0, seed);
    w.vector = malloc(w.per_call * sizeof *w.vector);
    if (!w.vector) die("malloc");
    return w;
}

/* Moves the pieces of one call: those of the buffer that come next. */
static void move_next(int fd, struct walk *w, ssize_t (*move)(int, const struct iovec *, int)) {
    for (size_t i = 0; i < w->per_call; i++) {
        w->vector[i] = (struct iovec){w->base + w->order[w->next] * w->piece, w->piece};
        w->next = w->next + 1 == w->pieces ? 0 : w->next + 1;
    }
    w->first = w->vector;
    w->left = (int)w->per_call;
    while (w->left > 0) {
        ssize_t n = move(fd, w->first, w->left);
        if (n <= 0) die("the connection");
        while (w->left > 0 && (size_t)n >= w->first->iov_len) {
            n -= (ssize_t)w->first->iov_len;
            w->first++;
            w->left--;
        }
        if (n > 0) {
            w->first->iov_base = (char *)w->first->iov_base + n;
            w->first->iov_len -= (size_t)n;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: tcp_loop FOOTPRINT SIZE SECONDS [PIECE]\n");
        return 2;
    }
    size_t footprint = strtoull(argv[1], NULL, 10), size = strtoull(argv[2], NULL, 10);
    size_t piece = argc == 5 ? strtoull(argv[4], NULL, 10) : size;
    double seconds = atof(argv[3]);
    if (piece == 0 || size % piece || size / piece > 1024 || footprint < size || seconds <= 0) {
        fprintf(stderr, "tcp_loop: need 0 < PIECE, 1 to 1024 of them in SIZE, SIZE <= FOOTPRINT and SECONDS > 0\n");
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
        signal(SIGPIPE, SIG_DFL);
        struct walk from = walk_of(footprint, size, piece, piece == size ? 0 : 1);
        for (;;) move_next(fd, &from, writev);
    }
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    struct walk to = walk_of(footprint, size, piece, piece == size ? 0 : 2);
    double start = now(), counted_from = 0;
    double cpu_before = 0;
    uint64_t bytes = 0;
    for (;;) {
        double t = now();
        if (counted_from == 0 && t - start > 1.0) {
            counted_from = t;
            bytes = 0;
            cpu_before = cpu_seconds(RUSAGE_SELF);
        }
        if (counted_from != 0 && t - counted_from >= seconds) break;
        move_next(fd, &to, readv);
        bytes += size;
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
