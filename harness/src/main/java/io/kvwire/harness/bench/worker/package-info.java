/** The adapter that measures kvwire itself: two processes, source and target, over one path. */
package io.kvwire.harness.bench.worker;
