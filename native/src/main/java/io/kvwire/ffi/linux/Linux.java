package io.kvwire.ffi.linux;

import java.util.Optional;

/** Whether this package works here at all. Thread-safe. */
public final class Linux {

    private Linux() {}

    /** {@return why nothing of this package can be used in this process, or empty when it can} */
    public static Optional<String> unavailable() {
        var system = System.getProperty("os.name");
        if (!system.equals("Linux")) {
            return Optional.of("needs Linux; this is " + system);
        }
        try {
            var _ = Credentials.ownUser();
            return Optional.empty();
        } catch (IllegalCallerException e) {
            return Optional.of(
                    e.getMessage() + ": start Java with --enable-native-access for this module");
        } catch (LinkageError e) {
            var cause = e.getCause();
            return Optional.of(
                    cause == null ? String.valueOf(e.getMessage()) : String.valueOf(cause));
        }
    }
}
