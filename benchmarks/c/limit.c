/*
 * What plain C does with the same lists of pieces: the limit that kvwire and its peers are measured against.
 *
 *   limit tcp|memory|file PIECE PIECES FOOTPRINT SCATTERED DEPTH SECONDS [FILE]
 *   limit ping-tcp|ping-memory BYTES SECONDS
 *
 * Two processes. tcp: writev and readv of up to 64 pieces over one connection on loopback, each list acknowledged, DEPTH
 * lists on their way. memory: memcpy between two shared mappings by the one process while the other waits. file: writev
 * to FILE, readv by the other process. A list has PIECES pieces; the lists walk over FOOTPRINT bytes at each end, in an
 * order of each end's own when SCATTERED is 1. Every word that was moved is compared at the end.
 *
 * Prints one line of JSON with bytes, transfers, seconds, p50Micros, p99Micros, cpuSeconds and peakBytes of both
 * processes, verified. The first fifth of the time is not counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pieces.h"

enum { BATCH = 64, MAX_TIMES = 4000000 };

static const char *path = "";

/* Moves one list through a descriptor, BATCH pieces at a call. */
static void list(int fd, char *memory, const size_t *ids, size_t first, int out) {
    for (size_t i = 0; i < pieces;) {
        struct iovec iov[BATCH];
        int n = 0;
        for (; n < BATCH && i < pieces; n++, i++)
            iov[n] = (struct iovec){memory + ids[(first + i) % count] * piece, piece};
        for (int at = 0; at < n;) {
            ssize_t moved = out ? writev(fd, iov + at, n - at) : readv(fd, iov + at, n - at);
            if (moved <= 0) die(out ? "writev" : "readv");
            for (; at < n && (size_t)moved >= iov[at].iov_len; at++) moved -= (ssize_t)iov[at].iov_len;
            if (at < n && moved > 0) {
                iov[at].iov_base = (char *)iov[at].iov_base + moved;
                iov[at].iov_len -= (size_t)moved;
            }
        }
    }
}

static int whole(int fd, void *p, size_t bytes, int out) {
    for (size_t done = 0; done < bytes;) {
        ssize_t n = out ? write(fd, (char *)p + done, bytes - done) : read(fd, (char *)p + done, bytes - done);
        if (n <= 0) return 0;
        done += (size_t)n;
    }
    return 1;
}

/* A pair of connected sockets: over TCP on loopback, so that the limit pays for what the others pay for. */
static void sockets(int fds[2]) {
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)
        || getsockname(listener, (struct sockaddr *)&address, &length)) die("listen");
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fds[0], (struct sockaddr *)&address, sizeof address)) die("connect");
    fds[1] = accept(listener, NULL, NULL);
    if (fds[1] < 0) die("accept");
    for (int i = 0; i < 2; i++) setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    close(listener);
}

enum { TCP, MEMORY, FILES };

typedef struct {
    double cpu, peak;
    int64_t verified;
} verdict;

static verdict receive(int mode, int fd, char *to, const size_t *ids) {
    size_t lists = 0;
    double before = own_cpu();
    for (uint64_t said;; lists++) {
        if (!whole(fd, &said, 8, 0)) die("the sender");
        if (said == 2) before = own_cpu();
        if (said == 0) break;
        if (mode == TCP) list(fd, to, ids, lists * pieces, 0);
        if (mode == FILES) {
            int file = open(path, O_RDONLY);
            if (file < 0) die(path);
            list(file, to, ids, lists * pieces, 0);
            close(file);
        }
        if (!whole(fd, &said, 8, 1)) die("acknowledge");
    }
    double spent = own_cpu() - before;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (verdict){spent, u.ru_maxrss * 1024.0, right(to, ids, lists * pieces)};
}

static double *times;
static size_t taken;

static void one(int mode, int fd, char *from, char *to, const size_t *source, const size_t *target, size_t first,
                uint64_t mark) {
    if (mode == MEMORY) {
        for (size_t i = 0; i < pieces; i++)
            memcpy(to + target[(first + i) % count] * piece, from + source[(first + i) % count] * piece, piece);
        return;
    }
    if (mode == FILES) {
        int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
        if (file < 0) die(path);
        list(file, from, source, first, 1);
        close(file);
    }
    if (!whole(fd, &mark, 8, 1)) die("send");
    if (mode == TCP) list(fd, from, source, first, 1);
}

static void blocks(int mode) {
    int fds[2], deep = mode == TCP ? depth : 1;
    size_t *source = order(count, scattered, 1), *target = order(count, scattered, 2);
    char *to = mapping(footprint, mode == MEMORY), *from = mapping(footprint, mode == MEMORY);
    if (mode == MEMORY) memset(to, 0xEE, footprint);
    sockets(fds);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        close(fds[0]);
        if (mode != MEMORY) memset(to, 0xEE, footprint);
        verdict v = receive(mode, fds[1], to, target);
        whole(fds[1], &v, sizeof v, 1);
        _exit(0);
    }
    close(fds[1]);
    fill(from, source, count);
    times = malloc(sizeof(double) * MAX_TIMES);
    double sent[64], start = now(), counted = 0, before = own_cpu(), end;
    size_t posted = 0, done = 0, skipped = 0;
    for (;;) {
        double t = now();
        int over = counted != 0 && t - counted >= seconds;
        if (counted == 0 && t - start > seconds * 0.2 && posted > 0) {
            counted = t;
            skipped = done;
            before = own_cpu();
        }
        if (!over && posted - done < (size_t)deep) {
            sent[posted % (size_t)deep] = t;
            one(mode, fds[0], from, to, source, target, posted * pieces, counted != 0 && skipped == done ? 2 : 1);
            posted++;
            if (mode != MEMORY) continue;
        }
        if (posted == done) break;
        uint64_t ack;
        if (mode != MEMORY && !whole(fds[0], &ack, 8, 0)) die("acknowledgement");
        if (counted != 0 && taken < MAX_TIMES) times[taken++] = now() - sent[done % (size_t)deep];
        done++;
        if (over && posted == done) break;
    }
    end = now();
    double spent = own_cpu() - before;
    uint64_t last = 0;
    verdict v = {0, 0, 0};
    if (!whole(fds[0], &last, 8, 1) || !whole(fds[0], &v, sizeof v, 0)) die("verdict");
    if (mode == MEMORY) v.verified = right(to, target, done * pieces);
    waitpid(child, NULL, 0);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    size_t counted_lists = done - skipped;
    qsort(times, taken, sizeof(double), by_value);
    printf("{\"bytes\":%.0f,\"transfers\":%zu,\"seconds\":%.6f,\"p50Micros\":%.2f,\"p99Micros\":%.2f,"
           "\"cpuSeconds\":%.6f,\"peakBytes\":%.0f,\"verified\":%s}\n",
           (double)counted_lists * (double)pieces * (double)piece, counted_lists, end - counted,
           taken ? times[taken / 2] * 1e6 : 0, taken ? times[taken * 99 / 100] * 1e6 : 0, spent + v.cpu,
           u.ru_maxrss * 1024.0 + v.peak, v.verified ? "true" : "false");
}

static void report_pings(size_t bytes, double elapsed, double spent) {
    qsort(times, taken, sizeof(double), by_value);
    printf("{\"bytes\":%.0f,\"transfers\":%zu,\"seconds\":%.6f,\"p50Micros\":%.3f,\"p99Micros\":%.3f,"
           "\"cpuSeconds\":%.6f,\"peakBytes\":0,\"verified\":true}\n",
           (double)taken * (double)bytes, taken, elapsed, times[taken / 2] * 1e6, times[taken * 99 / 100] * 1e6, spent);
}

static void ping(int tcp, size_t bytes) {
    int fds[2];
    static char mine[65536], theirs[65536];
    char *shared = mapping(2 * 65536 + 4096, 1);
    _Atomic uint64_t *turn = (_Atomic uint64_t *)(shared + 2 * 65536);
    if (bytes == 0 || bytes > sizeof mine) die("BYTES up to 65536");
    sockets(fds);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        close(fds[0]);
        for (uint64_t n = 1; tcp; n++)
            if (!whole(fds[1], theirs, bytes, 0) || !whole(fds[1], theirs, bytes, 1)) _exit(0);
        for (uint64_t n = 1;; n += 2) {
            while (atomic_load(turn) != n) {
            }
            memcpy(theirs, shared, bytes);
            memcpy(shared + 65536, theirs, bytes);
            atomic_store(turn, n + 1);
        }
    }
    close(fds[1]);
    times = malloc(sizeof(double) * MAX_TIMES);
    double start = now(), counted = 0, before = 0;
    for (uint64_t n = 0; taken < MAX_TIMES; n++) {
        double t = now();
        if (counted == 0 && t - start > seconds * 0.2) {
            counted = t;
            before = own_cpu();
        }
        if (counted != 0 && t - counted > seconds) break;
        memcpy(mine, &n, bytes < 8 ? bytes : 8);
        if (tcp) {
            if (!whole(fds[0], mine, bytes, 1) || !whole(fds[0], theirs, bytes, 0)) die("ping");
        } else {
            memcpy(shared, mine, bytes);
            atomic_store(turn, 2 * n + 1);
            while (atomic_load(turn) != 2 * n + 2) {
            }
            memcpy(theirs, shared + 65536, bytes);
        }
        if (memcmp(mine, theirs, bytes)) die("another message came back");
        if (counted != 0) times[taken++] = now() - t;
    }
    double elapsed = now() - counted, spent = own_cpu() - before;
    kill(child, 9);
    waitpid(child, NULL, 0);
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    report_pings(bytes, elapsed, spent + cpu(&u));
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    if (argc == 4 && strncmp(mode, "ping-", 5) == 0) {
        seconds = atof(argv[3]);
        ping(strcmp(mode, "ping-tcp") == 0, strtoull(argv[2], NULL, 10));
        return 0;
    }
    int what = strcmp(mode, "tcp") == 0 ? TCP : strcmp(mode, "memory") == 0 ? MEMORY : FILES;
    if (argc < 8 || (what == FILES && (argc != 9 || strcmp(mode, "file") != 0))) {
        fprintf(stderr, "usage: limit tcp|memory|file PIECE PIECES FOOTPRINT SCATTERED DEPTH SECONDS [FILE]\n"
                        "       limit ping-tcp|ping-memory BYTES SECONDS\n");
        return 2;
    }
    if (!numbers(argv + 2)) return 2;
    if (what == FILES) path = argv[8];
    blocks(what);
    return 0;
}
