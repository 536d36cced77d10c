package io.kvwire.harness.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.time.Duration;

class ChildJvmTest {
    @Test
    void aCrashIsNoAnswer() {
        var crash =
                new ProcessBuilder(
                        "sh",
                        "-c",
                        "echo '#'; echo '# A fatal error'; echo '# /var/hs_err_pid7.log'; exit"
                                + " 134");
        try (var child = ChildJvm.start("decode", crash, false)) {
            var failure =
                    assertThrows(
                            TransferException.class, () -> child.receive(Duration.ofSeconds(30)));
            assertEquals(ErrorCode.PEER_LOST, failure.code());
            assertTrue(
                    failure.getMessage()
                            .contains("its JVM crashed, and wrote /var/hs_err_pid7.log"),
                    failure.getMessage());
        }
    }

    /** Which flags of a JVM its children get, too. */
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
