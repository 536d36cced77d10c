package io.kvwire.harness.bench;

import java.io.Console;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Optional;

/**
 * Tells whoever waits how far a run is: one line that changes on a terminal, a line for each point
 * elsewhere.
 */
final class RunProgress {
    private static final double MANY_MINUTES = 120;

    private final PrintWriter err;
    private final boolean terminal;
    private String where = "";

    RunProgress(PrintWriter err) {
        this(err, Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false));
    }

    RunProgress(PrintWriter err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    /**
     * A point begins.
     *
     * @param number of it, from 1
     * @param points in all
     * @param key of it
     * @param secondsLeft of the run
     */
    void point(int number, int points, String key, double secondsLeft) {
        where = "[%d/%d, about %s left] %s".formatted(number, points, duration(secondsLeft), key);
        if (terminal) {
            now("");
        } else {
            err.println(where);
        }
    }

    /** Something begins that only somebody who watches wants to know. */
    void now(String what) {
        if (terminal) {
            err.print("\r\033[K" + where + (where.isEmpty() || what.isEmpty() ? "" : ", ") + what);
            err.flush();
        }
    }

    /** Nothing more comes. */
    void end() {
        if (terminal) {
            err.print("\r\033[K");
        }
        err.flush();
    }

    private static String duration(double seconds) {
        double minutes = Math.max(0, seconds) / 60;
        if (minutes >= MANY_MINUTES) {
            return String.format(Locale.ROOT, "%.0f h", minutes / 60);
        }
        return minutes >= 2
                ? String.format(Locale.ROOT, "%.0f min", minutes)
                : String.format(Locale.ROOT, "%.0f s", Math.max(0, seconds));
    }
}
