package io.kvwire.ffi.verbs;

/**
 * Which of a driver's functions are called without leaving Java state ({@code
 * Linker.Option.critical}).
 *
 * <p>Such a call is a few nanoseconds cheaper, and no garbage collection can start before it
 * returns. It fits drivers that write to the device's memory and return; one that makes a system
 * call or waits must not be called so.
 *
 * @param criticalPoll for polling completions
 * @param criticalSend for posting sends, writes and reads
 * @param criticalReceive for posting receives
 */
public record CallMode(boolean criticalPoll, boolean criticalSend, boolean criticalReceive) {

    /** Nothing is critical: right for every driver. */
    public static final CallMode PLAIN = new CallMode(false, false, false);

    /** Everything is critical: for drivers that bypass the kernel. */
    public static final CallMode BYPASS = new CallMode(true, true, true);

    /** For soft devices: queues are shared memory, but posting a send makes a system call. */
    public static final CallMode SOFT = new CallMode(true, false, true);
}
