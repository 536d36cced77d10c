package io.kvwire.ffi.linux;

/**
 * Who is at the other end of a local socket, as the kernel says.
 *
 * @param pid its process as seen from here; 0 when it is in a namespace that this process cannot
 *     see into
 * @param uid its user
 * @param gid its group
 */
public record Credentials(int pid, int uid, int gid) {
    /** {@return the user that this process acts as} */
    public static int ownUser() {
        try {
            return (int) Libc.GETEUID.invokeExact();
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }
}
