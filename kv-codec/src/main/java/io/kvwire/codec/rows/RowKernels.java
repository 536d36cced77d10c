package io.kvwire.codec.rows;

/**
 * The int8 arithmetic on whole rows. Every implementation gives the same bits. Allocates nothing;
 * confined to one thread.
 */
public interface RowKernels {
    /** {@return what people call them: {@code scalar}, {@code vector-512}} */
    String name();

    /**
     * Makes scales and codes. A row that cannot be scaled gets {@link RowScale#UNSCALED} and leaves
     * its codes as they were.
     *
     * @param rows where elements are, codes and scales go
     * @return how many rows could not be scaled
     */
    int encode(Rows rows);

    /**
     * Makes elements from codes and scales. What is written for a row without a scale is undefined.
     *
     * @param rows where codes and scales are, elements go
     */
    void decode(Rows rows);

    /** {@return whether rows like those seen so far are coded as fast as they ever will be} */
    default boolean settled() {
        return true;
    }
}
