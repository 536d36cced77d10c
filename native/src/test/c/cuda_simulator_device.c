/* Runs kernels on the host: the threads of a group one after the other, as fibers where they wait for each other. */
#include "cuda_simulator.h"
#include <pthread.h>
#include <ucontext.h>

#define MOST_THREADS 1024
#define STACK_BYTES (64 << 10)

unsigned sim_thread, sim_group;

static pthread_mutex_t one_kernel = PTHREAD_MUTEX_INITIALIZER;
static char stacks[MOST_THREADS][STACK_BYTES] __attribute__((aligned(64)));
static ucontext_t scheduler, fibers[MOST_THREADS];
static char finished[MOST_THREADS];
static const SimKernel *running;
static void **running_arguments;

void sim_barrier(void) {
    swapcontext(&fibers[sim_thread], &scheduler);
}

static void fiber(void) {
    running->invoke(running_arguments);
    finished[sim_thread] = 1;
}

static void run_fibers(unsigned threads) {
    for (unsigned t = 0; t < threads; t++) {
        getcontext(&fibers[t]);
        fibers[t].uc_stack.ss_sp = stacks[t];
        fibers[t].uc_stack.ss_size = STACK_BYTES;
        fibers[t].uc_link = &scheduler;
        makecontext(&fibers[t], fiber, 0);
        finished[t] = 0;
    }
    for (unsigned left = threads; left > 0;) {
        for (unsigned t = 0; t < threads; t++) {
            if (!finished[t]) {
                sim_thread = t;
                swapcontext(&scheduler, &fibers[t]);
                left -= finished[t] != 0;
            }
        }
    }
}

void sim_run(const SimKernel *kernel, void **arguments, unsigned groups, unsigned threads) {
    pthread_mutex_lock(&one_kernel);
    running = kernel;
    running_arguments = arguments;
    for (sim_group = 0; sim_group < groups; sim_group++) {
        if (kernel->barriers) {
            run_fibers(threads);
        } else {
            for (sim_thread = 0; sim_thread < threads; sim_thread++) kernel->invoke(arguments);
        }
    }
    pthread_mutex_unlock(&one_kernel);
}
