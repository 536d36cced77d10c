/*
 * The round trip of a small message over one TCP connection on loopback, with blocking calls at both ends.
 *
 *   ping_pong BYTES SECONDS
 *
 * Prints one line of JSON: {"messageBytes", "p50Micros", "p99Micros", "rounds"}. The first tenth is not counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

enum { MAX_BYTES = 65536, MAX_ROUNDS = 10000000 };

static int whole(int fd, char *p, size_t bytes, int out) {
    for (size_t done = 0; done < bytes;) {
        ssize_t n = out ? send(fd, p + done, bytes - done, MSG_NOSIGNAL) : recv(fd, p + done, bytes - done, 0);
        if (n <= 0) return 0;
        done += (size_t)n;
    }
    return 1;
}

int main(int argc, char **argv) {
    static char message[MAX_BYTES];
    size_t bytes = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    double seconds = argc == 3 ? atof(argv[2]) : 0;
    if (bytes == 0 || bytes > MAX_BYTES || seconds <= 0) {
        fprintf(stderr, "usage: ping_pong BYTES SECONDS (BYTES up to %d)\n", MAX_BYTES);
        return 2;
    }
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)
        || getsockname(listener, (struct sockaddr *)&address, &length)) die("listen");
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        while (whole(fd, message, bytes, 0) && whole(fd, message, bytes, 1)) {
        }
        return 0;
    }
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    double *took = malloc(sizeof(double) * MAX_ROUNDS);
    if (took == NULL) die("malloc");
    double start = now(), before = start;
    long rounds = 0;
    while (before - start < seconds * 1.1 && rounds < MAX_ROUNDS) {
        if (!whole(fd, message, bytes, 1) || !whole(fd, message, bytes, 0)) die("round");
        double after = now();
        if (before - start >= seconds * 0.1) took[rounds++] = after - before;
        before = after;
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    qsort(took, (size_t)rounds, sizeof(double), by_value);
    printf("{\"messageBytes\":%zu,\"p50Micros\":%.2f,\"p99Micros\":%.2f,\"rounds\":%ld}\n", bytes,
           took[rounds / 2] * 1e6, took[rounds * 99 / 100] * 1e6, rounds);
    return 0;
}
