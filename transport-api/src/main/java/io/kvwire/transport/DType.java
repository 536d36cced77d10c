package io.kvwire.transport;

/** Element type of a KV cache. Sizes are in bytes per element. */
public enum DType {
    /** IEEE 754 binary32. */
    FP32(4),
    /** IEEE 754 binary16. */
    FP16(2),
    /** bfloat16: the upper half of a binary32. */
    BF16(2),
    /** FP8 with four exponent and three mantissa bits (OCP OFP8 E4M3). */
    FP8_E4M3(1),
    /** FP8 with five exponent and two mantissa bits (OCP OFP8 E5M2). */
    FP8_E5M2(1),
    /** Signed 8-bit integer codes, scaled elsewhere. */
    INT8(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** {@return the size of one element, in bytes} */
    public int bytes() {
        return bytes;
    }
}
