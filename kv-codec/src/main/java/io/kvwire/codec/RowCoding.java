package io.kvwire.codec;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

/**
 * What is done with the rows of K, or of V, in the int8 schemes of docs/spec/kv-frame.md. The
 * numbers are part of the frame format and never change.
 */
public enum RowCoding {
    /** One scale for each token and head. */
    TOKEN(0),
    /** No codes: the elements as they are. */
    RAW(1),
    /** One scale for each head and channel, over all tokens of the frame; of K alone. */
    CHANNEL(2),
    /** One scale for each token and head, after a Hadamard rotation of the row. */
    HADAMARD(3),
    /** As {@link #TOKEN}, with the largest channels of each head kept as they are; of K alone. */
    OUTLIERS(4);

    private final int number;

    RowCoding(int number) {
        this.number = number;
    }

    /** {@return the number that stands for this coding in frames} */
    public int number() {
        return number;
    }

    /** {@return whether the rows have codes, and so scales} */
    boolean scaled() {
        return this != RAW;
    }

    /** {@return whether each row has a scale of its own} */
    boolean rowScaled() {
        return this != RAW && this != CHANNEL;
    }

    /**
     * {@return the coding with a number}
     *
     * @param number from a frame
     * @throws TransferException with {@link ErrorCode#MALFORMED} when there is none
     */
    static RowCoding of(int number) {
        return switch (number) {
            case 0 -> TOKEN;
            case 1 -> RAW;
            case 2 -> CHANNEL;
            case 3 -> HADAMARD;
            case 4 -> OUTLIERS;
            default ->
                    throw new TransferException(
                            ErrorCode.MALFORMED, "KV frame: unknown coding of rows " + number);
        };
    }
}
