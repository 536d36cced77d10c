package io.kvwire.transport;

import java.nio.file.Path;
import java.util.Objects;

/**
 * Mutual TLS 1.3 for the control channel and the data lanes.
 *
 * @param certificateChain PEM file with this node's certificate, followed by intermediates
 * @param privateKey PEM file with its PKCS#8 key, not encrypted
 * @param trustedCertificates PEM file with the certificates that peers' chains must end in
 */
public record TlsConfig(Path certificateChain, Path privateKey, Path trustedCertificates) {
    /** Checks that all three are there. */
    public TlsConfig {
        Objects.requireNonNull(certificateChain, "certificateChain");
        Objects.requireNonNull(privateKey, "privateKey");
        Objects.requireNonNull(trustedCertificates, "trustedCertificates");
    }
}
