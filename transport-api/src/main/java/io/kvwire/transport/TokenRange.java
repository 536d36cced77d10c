package io.kvwire.transport;

/**
 * A range of a request's tokens.
 *
 * @param first from 0
 * @param count at least 0
 */
public record TokenRange(int first, int count) {
    /** Checks that the range does not wrap. */
    public TokenRange {
        if (first < 0 || count < 0 || first > Integer.MAX_VALUE - count) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "tokens " + first + " + " + count + ": need a range from 0 that does not wrap");
        }
    }

    /** {@return the token after the last} */
    public int end() {
        return first + count;
    }

    /**
     * {@return whether all of another range lies in this one}
     *
     * @param other a range
     */
    public boolean contains(TokenRange other) {
        return other.first >= first && other.end() <= end();
    }
}
