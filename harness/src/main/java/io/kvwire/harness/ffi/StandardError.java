package io.kvwire.harness.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/**
 * Gives the process its standard error back after the JVM has started.
 *
 * <p>A JVM that resolves the incubating Vector API says so on standard error, at every start, and
 * no flag stops it. So the launcher starts the JVM with standard error turned off and the real one
 * kept as another descriptor; the first thing that our code does is to put the real one back.
 *
 * <p>To be called before a second thread writes to standard error.
 */
public final class StandardError {

    private static final int STDERR = 2;

    private StandardError() {}

    /**
     * Makes standard error a duplicate of another descriptor. Where that is not open, as in a child
     * that was given the flags of its parent but not its descriptors, standard error stays as it
     * is.
     *
     * @param descriptor number of the descriptor that is the real standard error
     * @return whether the descriptor was open
     */
    public static boolean restoreFrom(int descriptor) {
        try {
            return (int) dup2().invokeExact(descriptor, STDERR) == STDERR;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("dup2 throws nothing", e);
        }
    }

    // int dup2(int oldfd, int newfd)
    @SuppressWarnings("restricted") // what an ffi package is for
    private static MethodHandle dup2() {
        var linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow("dup2"),
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    }
}
