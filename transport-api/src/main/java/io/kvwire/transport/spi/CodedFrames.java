package io.kvwire.transport.spi;

import io.kvwire.transport.KvLayout;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Frames around codes that a device makes and takes, in the form of {@link QuantisedRows}: what a
 * codec offers whose frames hold those codes. The codes lie in the same place in frame and form, so
 * that between the two the host moves scales and sums up, and copies no codes.
 *
 * <p>Bound to its codec, and confined to the same thread.
 */
public interface CodedFrames {
    /**
     * {@return why frames of a layer are not made of a device's codes; empty when they are}
     *
     * @param layout of the target
     * @param layer from 0
     */
    Optional<String> refusal(KvLayout layout, int layer);

    /** {@return where in the memory of a frame the coded form begins, in bytes} */
    int formAt();

    /**
     * Makes a frame of a coded form, in the same memory.
     *
     * @param slab what the codes are of, and no {@link #refusal} for its layer
     * @param memory of at least {@link KvCodec#maxFrameBytes}, holding the form at {@link #formAt}
     * @param formBytes its length
     * @return the bytes of the frame, which begins where the memory does
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#OUT_OF_RANGE} when the form is not as long as it says, or
     *     the memory too short
     */
    long seal(Slab slab, MemorySegment memory, long formBytes);

    /**
     * Makes a coded form of a frame, in the same memory, after all of the frame was checked.
     *
     * @param memory begins with the frame
     * @param frameBytes its length
     * @param slab what is expected; the frame must say the same
     * @return the bytes of the form, which begins at {@link #formAt}; 0, and the frame is as it
     *     was, when it is none of the device's codes or the form is longer than the memory
     * @throws io.kvwire.transport.TransferException as {@link KvCodec#decode} does
     */
    long open(MemorySegment memory, long frameBytes, Slab slab);
}
