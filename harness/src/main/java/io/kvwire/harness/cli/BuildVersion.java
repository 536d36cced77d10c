package io.kvwire.harness.cli;

import picocli.CommandLine.IVersionProvider;

import java.io.IOException;
import java.util.Properties;

/** Reads the version that the build wrote into the jar, so that it stands in one place: the POM. */
final class BuildVersion implements IVersionProvider {

    @Override
    public String[] getVersion() throws IOException {
        var build = new Properties();
        try (var in = BuildVersion.class.getResourceAsStream("build.properties")) {
            build.load(in);
        }
        var jvm = Runtime.version();
        return new String[] {"kvwire " + build.getProperty("version") + " (Java " + jvm + ")"};
    }
}
