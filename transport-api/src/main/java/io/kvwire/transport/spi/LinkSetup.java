package io.kvwire.transport.spi;

/**
 * What both sides of a link agree on over the control channel.
 *
 * @param peerName for errors and logs
 * @param token 16 random bytes that each lane proves itself with
 * @param lanes how many lanes
 * @param endpoint the other side's {@link DataPath#endpoint()}
 * @param remoteHost the host that the control channel is connected to, for wires whose endpoint
 *     names only a port
 * @param exchange carries what the two wires have to tell each other beside their lanes
 * @param timeoutNanos for all lanes to be up
 */
@SuppressWarnings("ArrayRecordComponent") // passed on once, never compared
public record LinkSetup(
        String peerName,
        byte[] token,
        int lanes,
        byte[] endpoint,
        String remoteHost,
        LinkExchange exchange,
        long timeoutNanos) {
    /** The length of a token, in bytes. */
    public static final int TOKEN_BYTES = 16;
}
