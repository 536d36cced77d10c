package io.kvwire.harness.cli;

import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * What the command line logs to standard error: warnings, and with {@code --verbose} what happens
 * on the way too. Reports print the path that was chosen themselves.
 */
final class Logs {
    private static final String SLF4J_LEVEL = "org.slf4j.simpleLogger.defaultLogLevel";

    /** The contract logs through the JDK; held here, since loggers are collected when unused. */
    private static final Logger CONTRACT = Logger.getLogger("io.kvwire");

    private Logs() {}

    /** To be called before any logger is made; flags of the user's come first. */
    static void quietUnless(boolean verbose) {
        if (System.getProperty(SLF4J_LEVEL) == null) {
            System.setProperty(SLF4J_LEVEL, verbose ? "info" : "warn");
        }
        CONTRACT.setLevel(verbose ? Level.INFO : Level.WARNING);
    }
}
