package io.kvwire.rdma;

/**
 * Sizes and settings of a queue pair.
 *
 * @param depth work requests in the send queue
 * @param gathers pieces of memory of one work request
 * @param inlineBytes that a work request may carry in itself; the device may grant more
 * @param gid which address of the port it uses
 * @param firstPacket packet sequence number that this side starts with, 24 bits
 * @param mtuBytes the largest packet payload this side may send and take in
 * @param atomics READs in flight, as initiator and as responder
 * @param timeout as in {@code ibv_qp_attr.timeout}: 4.096 us * 2^timeout; 0 for none
 * @param retries of a packet that is not answered, 0 to 7
 * @param notReadyRetries when the peer has no receive posted, 0 to 7; 7 for no end
 * @param notReadyTimer as in {@code ibv_qp_attr.min_rnr_timer}
 * @param trafficClass of the packets (the DSCP, on Ethernet, in its upper six bits)
 * @param serviceLevel of the packets
 * @param hopLimit of the packets
 * @param receives that the peer may use; where receive queues cannot be shared, each queue pair
 *     gets as many
 */
record QueueSpec(
        int depth,
        int gathers,
        int inlineBytes,
        Gid gid,
        int firstPacket,
        int mtuBytes,
        int atomics,
        int timeout,
        int retries,
        int notReadyRetries,
        int notReadyTimer,
        int trafficClass,
        int serviceLevel,
        int hopLimit,
        int receives) {}
