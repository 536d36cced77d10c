package io.kvwire.transport;

/**
 * Order of the axes inside one block of K or of V. D, the head dimension, is always innermost. The
 * numbers are part of the wire format and never change.
 */
public enum KvOrder {
    /** Token-major: {@code [tokens][heads][headDim]}. */
    NHD(0),
    /** Head-major: {@code [heads][tokens][headDim]}. */
    HND(1);

    private final int number;

    KvOrder(int number) {
        this.number = number;
    }

    /** {@return the number that stands for this order on the wire and in frames} */
    public int number() {
        return number;
    }

    /**
     * {@return the order with a number}
     *
     * @param number from a peer
     * @throws TransferException with {@link ErrorCode#MALFORMED} when there is none
     */
    public static KvOrder of(int number) {
        return switch (number) {
            case 0 -> NHD;
            case 1 -> HND;
            default ->
                    throw new TransferException(
                            ErrorCode.MALFORMED, "unknown order of axes " + number);
        };
    }
}
