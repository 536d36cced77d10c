/*
 * Lists of pieces that processes write into each other's memory with a communication library: what ucx_ends and
 * fabric_ends are, each with the library behind wire.h.
 *
 *   PROGRAM KIND tcp|memory PIECE PIECES FOOTPRINT SCATTERED DEPTH SECONDS PROCESSES
 *   PROGRAM --version
 *
 * KIND and the numbers are those of a point of kvwire's bench: BLOCKS writes lists of PIECES pieces, DEPTH lists on
 * their way to each target, and waits until each list lies in the target's memory; TRANSFER writes one at a time;
 * MESSAGE sends PIECE bytes there and back; CHURN starts both ends anew, registers FOOTPRINT bytes at each, connects and
 * writes one list; MANY_TO_ONE, ONE_TO_MANY and ALL_TO_ALL have PROCESSES ends. The lists walk over FOOTPRINT bytes at
 * each end, in an order of each end's own when SCATTERED is 1. Every word that was moved is compared at the end.
 *
 * Prints one line of JSON with bytes, transfers, seconds, p50Micros, p99Micros, cpuSeconds and peakBytes of all
 * processes, verified. A quarter as long before it is not counted.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pieces.h"

enum { MAX_TIMES = 1 << 20 };

/* What an end tells the others, in memory that all share. Read only after a barrier. */
typedef struct {
    size_t address_bytes;
    char address[MAX_ADDRESS];
    /* By the number of the end that writes there. */
    uint64_t base[MAX_ENDS];
    size_t key_bytes[MAX_ENDS];
    char key[MAX_ENDS][MAX_KEY];
    /* By the number of the end that was written to. */
    size_t wrote[MAX_ENDS];
    double elapsed, cpu, peak, registering, connecting;
    int right, more;
    size_t taken;
    double times[MAX_TIMES];
} board;

static int processes, self, barrier;
static const char *kind;
static board *boards;
static wire_memory source, landing[MAX_ENDS];
static size_t *source_order, *target_order;
static int targets[MAX_ENDS], target_count;

_Noreturn void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(1);
}

static int is(const char *name) {
    return strcmp(kind, name) == 0;
}

static int flows(int from, int to) {
    if (from == to) return 0;
    if (is("ALL_TO_ALL") || is("MESSAGE")) return 1;
    return is("MANY_TO_ONE") ? to == 0 : from == 0;
}

/* Waits until all ends are here, at work all the time; where time is what counts, without sleeping. */
static void everyone(void) {
    int spins = is("TRANSFER") || is("MESSAGE") || is("CHURN");
    char token = 1;
    if (write(barrier, &token, 1) != 1) _exit(1);
    for (;;) {
        while (wire_progress()) {
        }
        struct pollfd wait[2] = {{barrier, POLLIN, 0}, {spins ? -1 : wire_sleeps(), POLLIN, 0}};
        poll(wait, 2, wait[1].fd < 0 ? 0 : 100);
        if (wait[0].revents == 0) continue;
        if (read(barrier, &token, 1) != 1) _exit(1); /* The others are gone. */
        return;
    }
}

/* --- blocks --------------------------------------------------------------------------------------------------- */

static void put_list(int target, size_t request) {
    for (size_t i = 0; i < pieces; i++) {
        size_t place = (request * pieces + i) % count;
        wire_put(target, &source, source.at + source_order[place] * piece, piece,
                 boards[target].base[self] + target_order[place] * piece);
    }
}

typedef struct {
    int target;
    double posted;
    wire_request request;
} flying;

/* Writes lists for so long, at least one to each target: the first list to every target, then the second. */
static void run(double length, int counted) {
    board *mine = &boards[self];
    size_t room = (size_t)(is("TRANSFER") ? 1 : depth * target_count), posted = 0, done = 0;
    flying ring[MAX_DEPTH * MAX_ENDS];
    memset(mine->wrote, 0, sizeof mine->wrote);
    mine->taken = 0;
    double start = now();
    while (target_count > 0) {
        int more = posted < (size_t)target_count || now() - start < length;
        if (more && posted - done < room) {
            flying *one = &ring[posted % room];
            one->target = targets[posted % (size_t)target_count];
            one->posted = now();
            put_list(one->target, posted / (size_t)target_count);
            one->request = wire_finish(one->target);
            posted++;
            continue;
        }
        if (posted == done) break;
        flying *first = &ring[done % room];
        while (!wire_done(first->request)) wire_progress();
        if (counted && mine->taken < MAX_TIMES) mine->times[mine->taken++] = now() - first->posted;
        mine->wrote[first->target]++;
        done++;
    }
    mine->elapsed = now() - start;
}

static void poison(void) {
    for (int from = 0; from < processes; from++)
        if (landing[from].at) memset(landing[from].at, 0xEE, footprint);
}

static wire_memory memory(void) {
    wire_memory own = wire_allocate(footprint);
    return own.at ? own : wire_register(mapping(footprint, 0), footprint);
}

/* Registers what others write to, memory that is there or new. */
static void tell_landings(void) {
    for (int from = 0; from < processes; from++) {
        if (!flows(from, self)) continue;
        landing[from] = landing[from].at ? wire_register(landing[from].at, footprint) : memory();
        boards[self].base[from] = (uintptr_t)landing[from].at;
        boards[self].key_bytes[from] = wire_key(&landing[from], boards[self].key[from]);
    }
}

static void connect_all(void) {
    for (int i = 0; i < target_count; i++) {
        board *to = &boards[targets[i]];
        wire_connect(targets[i], to->address, to->key[self], to->key_bytes[self]);
    }
}

static void close_all(void) {
    for (int from = 0; from < processes; from++)
        if (landing[from].at) wire_release(&landing[from]);
    if (source.at) wire_release(&source);
    wire_disconnect(processes);
    everyone();
    wire_close();
}

static void verdict(void) {
    board *mine = &boards[self];
    mine->right = 1;
    for (int from = 0; from < processes; from++)
        if (landing[from].at && !right(landing[from].at, target_order, boards[from].wrote[self] * pieces))
            mine->right = 0;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    mine->peak = used.ru_maxrss * 1024.0;
}

static void blocks(void) {
    boards[self].address_bytes = wire_open(boards[self].address);
    tell_landings();
    if (target_count > 0) {
        source = memory();
        fill(source.at, source_order, count);
    }
    poison();
    everyone();
    connect_all();
    everyone();
    run(seconds / 4, 0);
    everyone();
    poison();
    everyone();
    double before = own_cpu();
    run(seconds, 1);
    everyone();
    boards[self].cpu = own_cpu() - before;
    verdict();
    everyone();
    close_all();
}

/* --- messages ------------------------------------------------------------------------------------------------- */

static void messages(void) {
    board *mine = &boards[self], *first = &boards[0];
    static char out[65536], in[65536];
    if (piece > sizeof out) fail("PIECE", "messages have 65536 bytes at most");
    mine->address_bytes = wire_open(mine->address);
    tell_landings();
    everyone();
    connect_all();
    everyone();
    double before = own_cpu(), start = now(), counted = 0;
    if (self == 1)
        for (;;) {
            wire_receive(in, piece);
            wire_send(0, in, piece);
            if (piece >= 8 && *(uint64_t *)in == UINT64_MAX) break;
        }
    for (uint64_t n = 0; self == 0; n++) {
        double t = now();
        if (counted == 0 && t - start > seconds / 5) {
            counted = t;
            before = own_cpu();
        }
        int last = (counted != 0 && t - counted > seconds) || first->taken == MAX_TIMES;
        *(uint64_t *)out = last ? UINT64_MAX : n;
        wire_send(1, out, piece);
        wire_receive(in, piece);
        if (memcmp(out, in, piece)) fail("the echo", "another message came back");
        if (last) break;
        if (counted != 0) mine->times[mine->taken++] = now() - t;
    }
    mine->elapsed = now() - counted;
    mine->cpu = own_cpu() - before;
    mine->right = 1;
    mine->wrote[1 - self] = mine->taken;
    everyone();
    close_all();
}

/* --- a new peer ----------------------------------------------------------------------------------------------- */

static void new_peer(void) {
    board *mine = &boards[self];
    double start = now();
    everyone();
    if (self == 1) {
        mine->address_bytes = wire_open(mine->address);
        tell_landings();
    }
    everyone(); /* The source begins when the target's address is known, as the others here do. */
    if (self == 0) {
        wire_open(mine->address);
        source = wire_register(source.at, footprint);
        mine->registering = now() - start;
        connect_all();
        put_list(1, 0);
        wire_request request = wire_finish(1);
        while (!wire_done(request)) wire_progress();
        double end = now();
        mine->connecting = end - start - mine->registering;
        if (mine->taken < MAX_TIMES) mine->times[mine->taken++] = end - start;
        mine->wrote[1] = 1; /* It is the same list each time. */
    }
    everyone();
    close_all();
}

static void churn(void) {
    board *mine = &boards[self], *first = &boards[0];
    if (self == 0) {
        source.at = mapping(footprint, 0);
        memset(source.at, 1, footprint); /* All memory exists; no more than the first list is written. */
        fill(source.at, source_order, pieces);
    } else {
        landing[0].at = mapping(footprint, 0);
        poison();
    }
    new_peer(); /* Not counted. */
    mine->taken = 0;
    poison();
    double before = own_cpu(), start = now();
    do {
        new_peer();
        if (self == 0) first->more = now() - start < seconds;
        everyone();
    } while (first->more);
    mine->elapsed = 0;
    for (size_t i = 0; i < mine->taken; i++) mine->elapsed += mine->times[i];
    mine->cpu = own_cpu() - before;
    verdict();
    everyone();
}

/* --- all of them ---------------------------------------------------------------------------------------------- */

static void end(int number, int socket) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    self = number;
    barrier = socket;
    for (int to = 0; to < processes; to++)
        if (flows(self, to)) targets[target_count++] = to;
    if (is("MESSAGE")) messages();
    else if (is("CHURN")) churn();
    else blocks();
    exit(0);
}

/* Lets all ends go on together, until they end. */
static void conduct(const int *ends) {
    for (;;) {
        int gone = 0;
        char token;
        for (int i = 0; i < processes; i++) gone += read(ends[i], &token, 1) != 1;
        if (gone > 0) return;
        for (int i = 0; i < processes; i++)
            if (write(ends[i], &token, 1) != 1) return;
    }
}

static void report(void) {
    static double times[MAX_TIMES];
    size_t lists = 0, taken = 0;
    double elapsed = 0, spent = 0, peak = 0;
    int verified = 1;
    for (int i = 0; i < processes; i++) {
        board *one = &boards[i];
        for (int to = 0; to < processes; to++) lists += is("CHURN") && one->wrote[to] ? one->taken : one->wrote[to];
        for (size_t t = 0; t < one->taken && taken < MAX_TIMES; t++) times[taken++] = one->times[t];
        if (one->taken > 0 && one->elapsed > elapsed) elapsed = one->elapsed;
        spent += one->cpu;
        peak += one->peak;
        verified &= one->right;
    }
    qsort(times, taken, sizeof(double), by_value);
    printf("{\"bytes\":%.0f,\"transfers\":%zu,\"seconds\":%.6f,\"p50Micros\":%.3f,\"p99Micros\":%.3f,\"cpuSeconds\":%.6f,"
           "\"peakBytes\":%.0f,\"verified\":%s",
           (double)lists * (double)pieces * (double)piece, lists, elapsed, taken ? times[taken / 2] * 1e6 : 0,
           taken ? times[taken * 99 / 100] * 1e6 : 0, spent, peak, verified ? "true" : "false");
    if (is("CHURN"))
        printf(",\"parts\":{\"start and register\":%.3f,\"connect and first block\":%.3f}",
               boards[0].registering * 1e3, boards[0].connecting * 1e3);
    printf("}\n");
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("%s\n", wire_version());
        return 0;
    }
    if (argc != 10) {
        fprintf(stderr, "usage: %s KIND tcp|memory PIECE PIECES FOOTPRINT SCATTERED DEPTH SECONDS PROCESSES\n",
                program_invocation_short_name);
        return 2;
    }
    kind = argv[1];
    processes = atoi(argv[9]);
    if (!numbers(argv + 3)) return 2;
    if (processes < 2 || processes > MAX_ENDS) {
        fprintf(stderr, "%s: PROCESSES 2 to %d\n", program_invocation_short_name, MAX_ENDS);
        return 2;
    }
    wire_select(argv[2]);
    source_order = order(count, scattered, 1);
    target_order = order(count, scattered, 2);
    boards = (board *)mapping(sizeof(board) * (size_t)processes, 1);
    int ends[MAX_ENDS];
    pid_t children[MAX_ENDS];
    for (int i = 0; i < processes; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) die("socketpair");
        children[i] = fork();
        if (children[i] < 0) die("fork");
        if (children[i] == 0) {
            close(pair[0]);
            end(i, pair[1]);
        }
        close(pair[1]);
        ends[i] = pair[0];
    }
    conduct(ends);
    int bad = 0;
    for (int i = 0; i < processes; i++) close(ends[i]);
    for (int i = 0; i < processes; i++) {
        int status;
        waitpid(children[i], &status, 0);
        bad |= status;
    }
    if (bad) return 1;
    report();
    return 0;
}
