package io.kvwire.tcp;

/**
 * Says which bytes of a connection go out next. The socket writes straight from {@link #pieces}.
 * Confined to the event loop.
 */
abstract class Outlet {
    /** What {@link #prepare} gathered and is not yet out. */
    final Pieces pieces;

    Outlet(Pieces pieces) {
        this.pieces = pieces;
    }

    /**
     * Gathers what goes out next, unless something gathered is still left.
     *
     * @return whether there is anything to write now
     */
    abstract boolean prepare();

    /**
     * Takes note that bytes were given to the network; they are no longer among the pieces.
     *
     * @param bytes of them
     */
    abstract void advance(long bytes);

    /** Takes note that nothing will be written any more. Called once. */
    abstract void end();

    /** {@return whether something gathered is still to be written} */
    final boolean gathered() {
        return !pieces.isEmpty();
    }
}
