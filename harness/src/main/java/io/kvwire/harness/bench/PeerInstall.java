package io.kvwire.harness.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Installs the peers that are Python packages, into a folder of the checkout. */
final class PeerInstall {
    static final Path FOLDER = Path.of("target", "peers");

    /** First NumPy: all adapters fill and compare with it. */
    private static final List<List<String>> PACKAGES =
            List.of(
                    List.of("numpy"),
                    List.of("--no-deps", "nixl-cu12"),
                    List.of("--no-deps", "mooncake-transfer-engine-non-cuda"));

    private PeerInstall() {}

    /** {@return whether everything was installed} */
    static boolean run(Path home, Consumer<String> say) throws IOException {
        var folder = home.resolve(FOLDER);
        if (!done(List.of("python3", "-m", "venv", folder.toString()), say)) {
            say.accept("no Python 3.9 or newer with venv (Debian: python3-venv)");
            return false;
        }
        boolean all = true;
        for (var words : PACKAGES) {
            var command = new ArrayList<>(List.of(folder.resolve("bin/pip").toString(), "install"));
            command.addAll(List.of("-q", "--disable-pip-version-check"));
            command.addAll(words);
            boolean good = done(command, say);
            say.accept((good ? "installed " : "could not install ") + words.getLast());
            all &= good;
        }
        return all;
    }

    private static boolean done(List<String> command, Consumer<String> say) throws IOException {
        try {
            return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            say.accept("interrupted");
            return false;
        }
    }
}
