/** The command line {@code kvwire}. */
package io.kvwire.harness.cli;
