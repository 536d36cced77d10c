package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TlsConfig;
import io.kvwire.transport.TransferException;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

import javax.net.ssl.SSLException;

/**
 * Mutual TLS 1.3 from three PEM files. Both sides must show a certificate that the trusted ones
 * vouch for. The name in it is not compared with the host: nodes move between hosts, so it is the
 * authority alone that says who belongs to the fleet.
 *
 * @param client for connecting
 * @param server for accepting
 */
record TlsContexts(SslContext client, SslContext server) {

    static Optional<TlsContexts> of(Optional<TlsConfig> config) {
        return config.map(TlsContexts::load);
    }

    private static TlsContexts load(TlsConfig files) {
        var chain = readable("certificate chain", files.certificateChain());
        var key = readable("private key", files.privateKey());
        var trusted = readable("trusted certificates", files.trustedCertificates());
        try {
            var client = common(SslContextBuilder.forClient().keyManager(chain, key), trusted);
            var server =
                    common(SslContextBuilder.forServer(chain, key), trusted)
                            .clientAuth(ClientAuth.REQUIRE);
            return new TlsContexts(client.build(), server.build());
        } catch (SSLException | IllegalArgumentException e) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "TLS cannot be set up from "
                            + chain
                            + ", "
                            + key
                            + " and "
                            + trusted
                            + ": "
                            + e.getMessage()
                            + "; need PEM files, the key as PKCS#8 and not encrypted",
                    e);
        }
    }

    private static SslContextBuilder common(SslContextBuilder builder, java.io.File trusted) {
        return builder.sslProvider(SslProvider.JDK)
                .protocols("TLSv1.3")
                .trustManager(trusted)
                .endpointIdentificationAlgorithm(null);
    }

    private static java.io.File readable(String what, Path file) {
        if (!Files.isReadable(file)) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "TLS "
                            + what
                            + " "
                            + file
                            + (Files.exists(file) ? ": not readable" : ": no such file"));
        }
        return file.toFile();
    }
}
