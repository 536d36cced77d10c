/**
 * The same-host data path, and the memory that it moves with one copy: see {@link
 * io.kvwire.pcie.SharedArena}.
 */
package io.kvwire.pcie;
