package io.kvwire.tck.fault;

/** What can go wrong with one frame or message. */
public enum Fault {
    /** A frame waits before it is given to the wire, so that later ones pass it. */
    DELAY_FRAME,
    /** A frame is reported as sent and never arrives. */
    DROP_FRAME,
    /** A frame that has arrived arrives once more, at once or much later. */
    REPEAT_FRAME,
    /** One byte of a payload is another one than was sent. */
    CORRUPT_FRAME,
    /** The lane that brings a frame breaks. */
    LOSE_LANE,
    /** A control message, and all that follow it, are late. */
    DELAY_CONTROL,
    /** A control message is lost, although the link stays up. */
    DROP_CONTROL,
    /** A control message arrives twice, the second time late. */
    REPEAT_CONTROL
}
