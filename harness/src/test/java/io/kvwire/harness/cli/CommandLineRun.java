package io.kvwire.harness.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * A run of the command line in this process.
 *
 * @param status its exit status
 * @param out what it printed
 * @param err what it complained of
 */
public record CommandLineRun(int status, String out, String err) {
    /**
     * {@return what became of the words}
     *
     * @param words of the command, without the program
     */
    public static CommandLineRun of(String... words) {
        var out = new StringWriter();
        var err = new StringWriter();
        int status =
                Main.commandLine(words)
                        .setOut(new PrintWriter(out))
                        .setErr(new PrintWriter(err))
                        .execute(words);
        return new CommandLineRun(status, out.toString(), err.toString());
    }
}
