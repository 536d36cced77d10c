/*
 * Moves runs of bytes between a device's memory and dense memory: what a device does whose copies
 * of short runs cost more than a launch. kv_rows.h goes in front of it.
 *
 * Launch geometry: one dimension, a group of 128 threads for each run.
 */

/* Written by io.kvwire.ffi.kernels.KvRuns. */
typedef struct {
    long memory; /* bytes from memory to the run */
    long dense;  /* bytes from dense to its place */
    int bytes;
    int piece; /* power of two up to 16 that divides the three above */
} KvRun;

KV_KERNEL kv_gather_runs(
        KV_GLOBAL const KvRun *runs, KV_GLOBAL const uchar *memory, KV_GLOBAL uchar *dense) {
    KvRun run = runs[KV_GROUP];
    for (int i = (int) KV_THREAD * run.piece; i < run.bytes; i += KV_THREADS_OF_GROUP * run.piece) {
        kv_copy(dense + run.dense + i, memory + run.memory + i, (uint) run.piece);
    }
}

/* The reverse. */
KV_KERNEL kv_scatter_runs(
        KV_GLOBAL const KvRun *runs, KV_GLOBAL uchar *memory, KV_GLOBAL const uchar *dense) {
    KvRun run = runs[KV_GROUP];
    for (int i = (int) KV_THREAD * run.piece; i < run.bytes; i += KV_THREADS_OF_GROUP * run.piece) {
        kv_copy(memory + run.memory + i, dense + run.dense + i, (uint) run.piece);
    }
}
