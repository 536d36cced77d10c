package io.kvwire.harness.cli;

import java.io.Console;
import java.io.PrintWriter;
import java.util.Optional;

/** One status line on standard error that changes; nothing at all when nobody watches. */
final class Progress {
    private final PrintWriter err;
    private final boolean watched = terminal();

    Progress(PrintWriter err) {
        this.err = err;
    }

    private static boolean terminal() {
        return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    }

    void show(String what) {
        if (watched) {
            err.print("\r\033[K" + what);
            err.flush();
        }
    }

    void clear() {
        if (watched) {
            err.print("\r\033[K");
            err.flush();
        }
    }
}
