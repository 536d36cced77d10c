/**
 * The reference wire: nodes of one JVM, joined by threads and bounded pipes instead of a network.
 */
package io.kvwire.tck.memory;
