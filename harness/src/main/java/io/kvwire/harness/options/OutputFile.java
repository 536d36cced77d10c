package io.kvwire.harness.options;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Reads the name of a file that a command writes when its work is done, and says at once where it
 * could not be written, so that nobody measures for minutes and then has no results. Creates and
 * changes nothing.
 *
 * <pre>{@code
 * @Option(names = "--json", paramLabel = "FILE", converter = OutputFile.class)
 * private Path json;
 * }</pre>
 */
public final class OutputFile implements ITypeConverter<Path> {
    /** Made by the command line. */
    public OutputFile() {}

    @Override
    public Path convert(String text) {
        try {
            var file = Path.of(text);
            check(file);
            return file;
        } catch (InvalidPathException e) {
            throw new TypeConversionException("'" + text + "' is no path: " + e.getReason());
        }
    }

    private static void check(Path file) {
        var folder = file.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(file)) {
            throw new TypeConversionException(file + " is a folder; give a file in it");
        }
        if (!Files.isDirectory(folder)) {
            throw new TypeConversionException(
                    file + ": its folder does not exist; make it first, or give another");
        }
        if (Files.exists(file) ? !Files.isWritable(file) : !Files.isWritable(folder)) {
            throw new TypeConversionException(
                    file + " may not be written; give another, or the right to write it");
        }
    }
}
