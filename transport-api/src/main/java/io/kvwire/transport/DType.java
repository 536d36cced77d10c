package io.kvwire.transport;

/**
 * Element type of a KV cache. Sizes are in bytes per element. The numbers are part of the wire
 * format and never change.
 */
public enum DType {
    /** IEEE 754 binary32. */
    FP32(0, 4),
    /** IEEE 754 binary16. */
    FP16(1, 2),
    /** bfloat16: the upper half of a binary32. */
    BF16(2, 2),
    /** FP8 with four exponent and three mantissa bits (OCP OFP8 E4M3). */
    FP8_E4M3(3, 1),
    /** FP8 with five exponent and two mantissa bits (OCP OFP8 E5M2). */
    FP8_E5M2(4, 1),
    /** Signed 8-bit integer codes, scaled elsewhere. */
    INT8(5, 1);

    private final int number;
    private final int bytes;

    DType(int number, int bytes) {
        this.number = number;
        this.bytes = bytes;
    }

    /** {@return the number that stands for this type on the wire and in frames} */
    public int number() {
        return number;
    }

    /** {@return the size of one element, in bytes} */
    public int bytes() {
        return bytes;
    }

    /**
     * {@return the type with a number}
     *
     * @param number from a peer
     * @throws TransferException with {@link ErrorCode#MALFORMED} when there is none
     */
    public static DType of(int number) {
        return switch (number) {
            case 0 -> FP32;
            case 1 -> FP16;
            case 2 -> BF16;
            case 3 -> FP8_E4M3;
            case 4 -> FP8_E5M2;
            case 5 -> INT8;
            default ->
                    throw new TransferException(
                            ErrorCode.MALFORMED, "unknown element type " + number);
        };
    }
}
