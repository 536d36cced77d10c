package io.kvwire.transport;

/**
 * One block of a cache as its owner handed it out. The generation changes whenever the owner takes
 * the block back, so a reference that outlived its block is refused instead of read.
 *
 * @param id index of the block in its cache, from 0
 * @param generation the owner's count of uses of this block; compared for equality only
 */
public record BlockRef(int id, int generation) {}
