package io.kvwire.harness.weights;

/**
 * Gives the weights of a model by name, as rows of floats. Names and shapes are those of Hugging
 * Face: {@code model.layers.0.self_attn.q_proj.weight} of {@code [outputs, inputs]}.
 *
 * <p>Confined to one thread.
 */
public interface Weights extends AutoCloseable {

    /**
     * Opens one matrix.
     *
     * @param name the tensor's name
     * @param rows expected rows
     * @param columns expected columns
     * @return reads its rows, as long as these weights are open
     * @throws ModelException if there is no such tensor or its shape or type is another
     */
    Matrix matrix(String name, int rows, int columns);

    /**
     * Reads one vector, for example the weights of a norm.
     *
     * @param name the tensor's name
     * @param size expected length
     * @return its values
     * @throws ModelException if there is no such tensor or its shape or type is another
     */
    float[] vector(String name, int size);

    /** {@return what these weights are, for messages: a path, a resource, a seed} */
    String describe();

    /** Releases files and mappings. */
    @Override
    void close();

    /** The rows of one matrix. */
    @FunctionalInterface
    interface Matrix {
        /**
         * Reads one row.
         *
         * @param row which row
         * @param target receives all columns, from index 0
         */
        void read(int row, float[] target);
    }
}
