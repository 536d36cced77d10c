/**
 * {@code kvwire bench}: kvwire and its peers on the same work, on the same machine, in one run.
 *
 * <p>Workloads are data. Every subject, kvwire included, is a process of its own that takes points
 * on standard input and answers with figures: an adapter. This package plans, runs rounds, and
 * reports; it measures nothing itself.
 */
package io.kvwire.harness.bench;
