/** {@code kvwire doctor}: what this host can do, and why not. */
package io.kvwire.harness.doctor;
