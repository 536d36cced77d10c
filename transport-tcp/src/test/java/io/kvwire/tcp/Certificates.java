package io.kvwire.tcp;

import io.kvwire.transport.TlsConfig;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** A certificate authority for tests, and what it issues. */
final class Certificates {
    private final Path folder;
    private final X509Bundle authority;

    Certificates(Path folder, String name) throws Exception {
        this.folder = Files.createDirectories(folder.resolve(name));
        authority =
                new CertificateBuilder()
                        .subject("CN=" + name)
                        .setIsCertificateAuthority(true)
                        .buildSelfSigned();
    }

    /** A certificate that is valid now. */
    TlsConfig issue(String node) throws Exception {
        return issue(node, Instant.now().plus(Duration.ofDays(1)));
    }

    /** A certificate that was valid until yesterday. */
    TlsConfig issueExpired(String node) throws Exception {
        return issue(node, Instant.now().minus(Duration.ofDays(1)));
    }

    private TlsConfig issue(String node, Instant until) throws Exception {
        var issued =
                new CertificateBuilder()
                        .subject("CN=" + node)
                        .notBefore(Instant.now().minus(Duration.ofDays(2)))
                        .notAfter(until)
                        .buildIssuedBy(authority);
        return new TlsConfig(
                write(node + ".crt", issued.getCertificatePathPEM()),
                write(node + ".key", issued.getPrivateKeyPEM()),
                write("ca.crt", authority.getRootCertificatePEM()));
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }
}
