/**
 * Tests between two virtual hosts, and the programs that they start on the other one. Run by {@code
 * kvwire rig two-hosts}; anywhere else they are skipped.
 */
package io.kvwire.rdma.rig;
