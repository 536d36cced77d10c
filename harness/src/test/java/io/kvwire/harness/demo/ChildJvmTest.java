package io.kvwire.harness.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which flags of a JVM its children get, too. */
class ChildJvmTest {
    @ParameterizedTest
    @CsvSource({
        "-Xmx1g, true",
        "-XX:+UseSerialGC, true",
        "-Dkvwire.cuda.library=/opt/driver.so, true",
        "-Dkvwire.codec.warmUpMillis=0, true",
        "--add-modules=jdk.incubator.vector, true",
        "--enable-native-access=ALL-UNNAMED, true",
        "-Djava.io.tmpdir=/tmp, false",
        "-agentlib:jdwp=transport=dt_socket, false",
        "-javaagent:agent.jar, false"
    })
    void childrenGetWhatChangesWhatKvwireDoes(String flag, boolean theirs) {
        assertEquals(theirs, ChildJvm.concernsChildren(flag));
    }
}
