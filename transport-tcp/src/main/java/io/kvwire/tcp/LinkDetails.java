package io.kvwire.tcp;

import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslHandler;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Says what a link runs over, for the path report and the log. */
final class LinkDetails {
    private LinkDetails() {}

    static Map<String, String> of(
            Connection connection, TcpOptions options, Optional<RateLimit> limit) {
        var channel = connection.channel();
        var details = new LinkedHashMap<String, String>();
        details.put("local", String.valueOf(channel.localAddress()));
        details.put("remote", String.valueOf(channel.remoteAddress()));
        details.put("io", options.io().description());
        details.put("threads", String.valueOf(options.threads()));
        details.put(
                "sendBufferBytes",
                String.valueOf(channel.config().getOption(ChannelOption.SO_SNDBUF)));
        details.put(
                "receiveBufferBytes",
                String.valueOf(channel.config().getOption(ChannelOption.SO_RCVBUF)));
        details.put("tls", connection.tls().map(LinkDetails::cipher).orElse("off"));
        limit.ifPresent(
                rate -> details.put("bytesPerSecond", String.valueOf(rate.bytesPerSecond())));
        return details;
    }

    private static String cipher(SslHandler tls) {
        var session = tls.engine().getSession();
        return session.getProtocol() + " " + session.getCipherSuite();
    }
}
