/**
 * {@code kvwire serve-sim}: processes that prefill and decode behind a small router, coupled and
 * decoupled, under load.
 *
 * <p>A worker process has one thread that computes, a paged cache and a transfer node. The router
 * lives in the commanding process, sends requests as a Poisson process would, and takes the times
 * of every token where a client would see them.
 */
package io.kvwire.harness.serve;
