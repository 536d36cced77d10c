package io.kvwire.ffi.verbs;

/** How a request ended, {@code enum ibv_wc_status} in its order, and what to do about it. */
public enum CompletionStatus {
    /** All is well. */
    SUCCESS("done"),
    /** A local length is wrong. */
    LOCAL_LENGTH("the message is longer than the receive, or than the device allows"),
    /** The request does not fit the queue pair. */
    LOCAL_QUEUE_PAIR("the request does not fit the queue pair: check opcode and segments"),
    /** Not used by reliable connections. */
    LOCAL_CONTEXT("the end-to-end context is inconsistent"),
    /** A local key is wrong. */
    LOCAL_PROTECTION("a local key does not cover the bytes: check lkey, range and access"),
    /** The queue pair went into error first. */
    FLUSHED("the queue pair went into error before this request ran; see the first failure"),
    /** A window could not be bound. */
    WINDOW_BIND("the window was not bound: the region must allow it, and the range be inside"),
    /** The peer answered with nonsense. */
    BAD_RESPONSE("the peer answered with an unexpected opcode: the connection is to be remade"),
    /** A local access failed while data came in. */
    LOCAL_ACCESS("a write with immediate reached memory that does not allow it"),
    /** The peer found the request invalid. */
    REMOTE_INVALID_REQUEST(
            "the peer refused the request: its receive is too short, or the queue pair does not"
                    + " allow the operation"),
    /** The remote key does not allow it. */
    REMOTE_ACCESS(
            "the remote key is wrong or stale, or its region does not cover the range or allow the"
                    + " access"),
    /** The peer could not do it. */
    REMOTE_OPERATION("the peer's queue pair failed while it served the request"),
    /** No answer came. */
    RETRY_EXCEEDED(
            "the peer does not answer: it is gone, its queue pair is in error, or packets are"
                    + " lost"),
    /** The peer had no receive posted. */
    RNR_RETRY_EXCEEDED("the peer posted no receive in time"),
    /** Not used by reliable connections. */
    LOCAL_DOMAIN("a reliable datagram domain was violated"),
    /** Not used by reliable connections. */
    REMOTE_INVALID_READ("a reliable datagram read was invalid"),
    /** The peer gave up. */
    REMOTE_ABORTED("the peer aborted the operation"),
    /** Not used by reliable connections. */
    INVALID_CONTEXT_NUMBER("the number of the end-to-end context is invalid"),
    /** Not used by reliable connections. */
    INVALID_CONTEXT_STATE("the state of the end-to-end context is invalid"),
    /** The device failed. */
    FATAL("the device failed: see the kernel's log"),
    /** No answer to a request came. */
    RESPONSE_TIMEOUT("no response came in time"),
    /** Something else. */
    GENERAL("the transport failed: see the vendor's error"),
    /** Not used here. */
    TAG_MATCHING("tag matching failed"),
    /** Not used here. */
    TAG_RENDEZVOUS("a rendezvous by tag is incomplete"),
    /** Something newer than this list. */
    UNKNOWN("a status that this version does not know");

    private static final CompletionStatus[] VALUES = values();

    private final String meaning;

    CompletionStatus(String meaning) {
        this.meaning = meaning;
    }

    /** {@return what it means, and what to look at} */
    public String meaning() {
        return meaning;
    }

    /**
     * {@return the status for a number}
     *
     * @param number as {@link Completions#status} returns it
     */
    public static CompletionStatus of(int number) {
        return number >= 0 && number < VALUES.length ? VALUES[number] : UNKNOWN;
    }
}
