package io.kvwire.rdma;

/** What one poll of a completion queue gave: parallel columns, filled from 0. */
final class Completions {
    /** {@code IBV_WC_SUCCESS}. */
    static final int SUCCESS = 0;

    /**
     * {@code IBV_WC_WR_FLUSH_ERR}: the request was never carried out, its queue pair had failed.
     */
    static final int FLUSHED = 5;

    private static final String[] STATUS = {
        "success",
        "local length error",
        "local queue pair operation error",
        "local EE context operation error",
        "local protection error",
        "flushed: the queue pair had failed before",
        "memory window bind error",
        "bad response",
        "local access error",
        "remote invalid request: the peer refuses it",
        "remote access error: wrong key, range or access",
        "remote operation error",
        "retries exceeded: the peer does not answer",
        "receiver-not-ready retries exceeded: the peer posts no receives",
    };

    final long[] id;
    final int[] status;
    final int[] bytes;
    final int[] queuePair;
    final boolean[] immediate;
    final int[] value;

    /**
     * Makes room.
     *
     * @param capacity completions of one poll
     */
    Completions(int capacity) {
        id = new long[capacity];
        status = new int[capacity];
        bytes = new int[capacity];
        queuePair = new int[capacity];
        immediate = new boolean[capacity];
        value = new int[capacity];
    }

    int capacity() {
        return id.length;
    }

    /** {@return what a status means} */
    static String text(int status) {
        return status >= 0 && status < STATUS.length
                ? STATUS[status]
                : "completion status " + status;
    }
}
