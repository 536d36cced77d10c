package io.kvwire.transport.core;

/**
 * Memory of this node that a transfer has pinned.
 *
 * @param memory the cache or region
 * @param unpin gives it back; called once, when nothing of the transfer touches it any more
 */
record Pinned(Object memory, Runnable unpin) {}
