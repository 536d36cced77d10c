package io.kvwire.harness.weights;

import io.kvwire.harness.math.ElementType;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One tensor of a weight file, row-major. The data belongs to the file it was read from and may be
 * read as long as that is open.
 *
 * @param name its name, for example {@code model.norm.weight}
 * @param type element type as the file names it, for example {@code BF16}
 * @param shape length of each dimension, outermost first; empty for a single value
 * @param data the elements, little-endian
 */
public record Tensor(String name, String type, List<Long> shape, MemorySegment data) {

    /** {@return the element type as a float type} */
    public ElementType elementType() {
        return switch (type) {
            case "F32" -> ElementType.FP32;
            case "BF16" -> ElementType.BF16;
            case "F16" -> ElementType.FP16;
            default ->
                    throw new ModelException(
                            "tensor "
                                    + name
                                    + " has elements of type "
                                    + type
                                    + "; supported are F32, BF16 and F16: convert the file");
        };
    }

    /**
     * Reads part of the tensor as floats.
     *
     * @param first index of the first element, counted over the whole tensor
     * @param target receives the values, from index 0
     * @param count number of elements
     * @throws ModelException if the elements are no floats
     * @throws IndexOutOfBoundsException if the range leaves the tensor or {@code target}
     */
    public void read(long first, float[] target, int count) {
        var elements = elementType();
        elements.load(data, first * elements.bytes(), target, 0, count);
    }

    /** {@return type and shape for messages, for example {@code BF16 [512, 256]}} */
    public String describe() {
        return type
                + shape.stream().map(String::valueOf).collect(Collectors.joining(", ", " [", "]"));
    }
}
