package com.ibm.net.rdma.jverbs.verbs;

/** What has become of a request. */
public final class WorkCompletion {
    /** How it ended, in the order of C. */
    public enum Status {
        IBV_WC_SUCCESS,
        IBV_WC_LOC_LEN_ERR,
        IBV_WC_LOC_QP_OP_ERR,
        IBV_WC_LOC_EEC_OP_ERR,
        IBV_WC_LOC_PROT_ERR,
        IBV_WC_WR_FLUSH_ERR,
        IBV_WC_MW_BIND_ERR,
        IBV_WC_BAD_RESP_ERR,
        IBV_WC_LOC_ACCESS_ERR,
        IBV_WC_REM_INV_REQ_ERR,
        IBV_WC_REM_ACCESS_ERR,
        IBV_WC_REM_OP_ERR,
        IBV_WC_RETRY_EXC_ERR,
        IBV_WC_RNR_RETRY_EXC_ERR,
        IBV_WC_GENERAL_ERR
    }

    private static final Status[] STATUSES = Status.values();

    private long id;
    private Status status = Status.IBV_WC_GENERAL_ERR;
    private int bytes;

    void set(long number, int code, int length) {
        id = number;
        status = STATUSES[Math.min(code, STATUSES.length - 1)];
        bytes = length;
    }

    public long getWorkRequestId() {
        return id;
    }

    public Status getStatus() {
        return status;
    }

    public int getByteLength() {
        return bytes;
    }
}
