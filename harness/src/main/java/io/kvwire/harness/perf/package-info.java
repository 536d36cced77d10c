/** The two-host performance tool: {@code kvwire perf serve} and {@code kvwire perf run}. */
package io.kvwire.harness.perf;
