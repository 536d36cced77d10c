package io.kvwire.transport;

/**
 * A region of a peer, as it announced it.
 *
 * @param id its name at the peer
 * @param generation its registration
 * @param byteSize in bytes
 * @param access what this side may do
 */
public record RemoteRegion(int id, int generation, long byteSize, Access access) {}
