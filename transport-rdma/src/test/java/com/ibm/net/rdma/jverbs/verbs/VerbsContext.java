package com.ibm.net.rdma.jverbs.verbs;

import io.kvwire.ffi.verbs.Context;
import io.kvwire.ffi.verbs.VerbsLibrary;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** An open device: one for all identifiers that are bound to it, as librdmacm has it. */
public final class VerbsContext {
    private static final Map<String, VerbsContext> OPEN = new HashMap<>();

    private final Context context;

    private VerbsContext(Context context) {
        this.context = context;
    }

    /** {@return the context of a device, opened at the first call} */
    public static VerbsContext of(String name) throws IOException {
        synchronized (OPEN) {
            var known = OPEN.get(name);
            if (known == null) {
                var device =
                        VerbsLibrary.devices().stream()
                                .filter(each -> each.name().equals(name))
                                .findFirst()
                                .orElseThrow(() -> new IOException("no device " + name));
                known = new VerbsContext(VerbsLibrary.open(device, device.callMode()));
                OPEN.put(name, known);
            }
            return known;
        }
    }

    /** A call of the bindings, whose exceptions become jVerbs'. */
    interface Step<T> {
        T run();
    }

    static <T> T attempt(Step<T> step) throws IOException {
        try {
            return step.run();
        } catch (TransferException e) {
            throw new IOException(e);
        }
    }

    public ProtectionDomain allocProtectionDomain() throws IOException {
        return attempt(() -> new ProtectionDomain(context.allocateProtectionDomain()));
    }

    public void deallocProtectionDomain(ProtectionDomain domain) throws IOException {
        attempt(() -> {
            domain.bound().close();
            return domain;
        });
    }

    public CompletionChannel createCompletionChannel() throws IOException {
        return attempt(() -> new CompletionChannel(context.createCompletionChannel()));
    }

    public void destroyCompletionChannel(CompletionChannel channel) throws IOException {
        attempt(() -> {
            channel.bound().close();
            return channel;
        });
    }

    public CompletionQueue createCompletionQueue(
            CompletionChannel channel, int maxEventEntries, int completionVector)
            throws IOException {
        return attempt(() ->
                new CompletionQueue(
                        context.createCompletionQueue(
                                maxEventEntries, channel.bound(), completionVector)));
    }

    public void destroyCompletionQueue(CompletionQueue queue) throws IOException {
        attempt(() -> {
            queue.bound().close();
            return queue;
        });
    }
}
