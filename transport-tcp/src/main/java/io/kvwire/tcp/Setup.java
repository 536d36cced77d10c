package io.kvwire.tcp;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;

import java.util.function.Consumer;

/** Sets up the pipeline of new channels. */
@ChannelHandler.Sharable
final class Setup extends ChannelInitializer<Channel> {
    private final Consumer<Channel> steps;

    Setup(Consumer<Channel> steps) {
        this.steps = steps;
    }

    @Override
    protected void initChannel(Channel channel) {
        steps.accept(channel);
    }
}
