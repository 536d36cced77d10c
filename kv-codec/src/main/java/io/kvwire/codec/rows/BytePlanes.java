package io.kvwire.codec.rows;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Takes elements apart into planes, the first bytes of all, then the second bytes, and so on: signs
 * and exponents, which repeat, come to lie together.
 */
public final class BytePlanes {
    private BytePlanes() {}

    /**
     * Takes elements apart.
     *
     * @param elements the elements
     * @param at start of the first one, in bytes
     * @param planes gets as many bytes, from its start
     * @param count of elements
     * @param width of an element, in bytes
     */
    public static void split(
            MemorySegment elements, long at, MemorySegment planes, int count, int width) {
        for (int plane = 0; plane < width; plane++) {
            long to = (long) plane * count;
            long from = at + plane;
            for (int i = 0; i < count; i++) {
                byte b = elements.get(ValueLayout.JAVA_BYTE, from + (long) i * width);
                planes.set(ValueLayout.JAVA_BYTE, to + i, b);
            }
        }
    }

    /**
     * Puts elements together again.
     *
     * @param planes the planes, from the start
     * @param elements gets as many bytes, from its start
     * @param count of elements
     * @param width of an element, in bytes
     */
    public static void join(MemorySegment planes, MemorySegment elements, int count, int width) {
        for (int plane = 0; plane < width; plane++) {
            long from = (long) plane * count;
            for (int i = 0; i < count; i++) {
                byte b = planes.get(ValueLayout.JAVA_BYTE, from + i);
                elements.set(ValueLayout.JAVA_BYTE, (long) i * width + plane, b);
            }
        }
    }
}
