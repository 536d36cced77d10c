package io.kvwire.transport;

/**
 * A cache of a peer, as it announced it.
 *
 * @param id its name at the peer
 * @param name the same at both ends of caches that exchange blocks
 * @param layout its shape
 * @param blocks its number of blocks
 * @param access what this side may do
 * @param incarnation of the node that owns it
 */
public record RemoteCache(
        int id, String name, KvLayout layout, int blocks, Access access, long incarnation) {}
