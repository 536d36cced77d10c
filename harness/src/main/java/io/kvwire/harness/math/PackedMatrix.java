package io.kvwire.harness.math;

import java.util.Objects;

/**
 * An immutable weight matrix {@code [rows][columns]}, packed into {@link Panels} once when it is
 * loaded. Rows of the last panel beyond {@link #rows()} are zero. Safe to share between threads.
 */
public final class PackedMatrix {
    private final int rows;
    private final int columns;
    private final float[] data;

    private PackedMatrix(int rows, int columns, float[] data) {
        this.rows = rows;
        this.columns = columns;
        this.data = data;
    }

    /** Gives the rows of a matrix, one by one, in ascending order. */
    @FunctionalInterface
    public interface RowSource {
        /**
         * Fills one row.
         *
         * @param row which row
         * @param target receives the row's values, from index 0
         */
        void read(int row, float[] target);
    }

    /**
     * Packs a matrix.
     *
     * @param rows number of rows (outputs), at least 1
     * @param columns number of columns (inputs), at least 1
     * @param source gives the rows
     * @return the packed matrix
     * @throws IllegalArgumentException if a dimension is below 1, or the matrix exceeds one Java
     *     array (about 2 billion values)
     */
    public static PackedMatrix pack(int rows, int columns, RowSource source) {
        Objects.requireNonNull(source, "source");
        if (rows < 1 || columns < 1) {
            throw new IllegalArgumentException(
                    "matrix of "
                            + rows
                            + " x "
                            + columns
                            + " values: both dimensions must be at least 1");
        }
        long size = (long) Panels.countFor(rows) * Panels.WIDTH * columns;
        if (size > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(
                    "matrix of "
                            + rows
                            + " x "
                            + columns
                            + " values does not fit into one Java array; split it");
        }
        var data = new float[(int) size];
        var row = new float[columns];
        for (int r = 0; r < rows; r++) {
            source.read(r, row);
            int at = rowIndex(r, columns);
            for (int k = 0; k < columns; k++) {
                data[at + k * Panels.WIDTH] = row[k];
            }
        }
        return new PackedMatrix(rows, columns, data);
    }

    /** {@return the number of rows: outputs of a product} */
    public int rows() {
        return rows;
    }

    /** {@return the number of columns: inputs of a product} */
    public int columns() {
        return columns;
    }

    /** {@return the whole matrix as panels} */
    public Panels panels() {
        return new Panels(data, 0, columns * Panels.WIDTH, Panels.countFor(rows));
    }

    /**
     * Copies one row out, for example a token's embedding.
     *
     * @param row which row
     * @param target receives {@link #columns()} values
     * @param at index of the first value in {@code target}
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public void copyRow(int row, float[] target, int at) {
        Objects.checkIndex(row, rows);
        int from = rowIndex(row, columns);
        for (int k = 0; k < columns; k++) {
            target[at + k] = data[from + k * Panels.WIDTH];
        }
    }

    private static int rowIndex(int row, int columns) {
        return row / Panels.WIDTH * Panels.WIDTH * columns + row % Panels.WIDTH;
    }
}
