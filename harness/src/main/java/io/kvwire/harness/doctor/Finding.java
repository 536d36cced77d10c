package io.kvwire.harness.doctor;

/**
 * One thing that was looked at.
 *
 * @param what was looked at
 * @param state whether it is there
 * @param detail what was found, and what to do where that is not enough
 */
record Finding(String what, State state, String detail) {
    /** Whether something is there. */
    enum State {
        /** As it should be. */
        OK,
        /** It works, but something holds it back. */
        LIMITED,
        /** Not there. */
        ABSENT
    }

    static Finding ok(String what, String detail) {
        return new Finding(what, State.OK, detail);
    }

    static Finding limited(String what, String detail) {
        return new Finding(what, State.LIMITED, detail);
    }

    static Finding absent(String what, String detail) {
        return new Finding(what, State.ABSENT, detail);
    }
}
