package io.kvwire.harness.serve;

import io.kvwire.harness.demo.ChildJvm;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.BiConsumer;

/** A worker process as the router sees it. Told by its own thread, asked by the router's. */
final class Worker implements AutoCloseable {
    private static final Duration START = Duration.ofMinutes(2);
    private static final Duration SILENCE = Duration.ofSeconds(30);
    private static final int PREFIX_TOKENS = 16;
    private static final int REMEMBERED = 256;

    private final String name;
    private final ChildJvm process;
    private final String address;
    private final Deque<List<Integer>> prefixes = new ArrayDeque<>();
    private volatile ServeEvent.State state = new ServeEvent.State(0, 0, 0, 1, 0);
    private volatile boolean closed;
    private volatile int outstanding;

    Worker(String name, List<String> words, BiConsumer<Worker, ServeEvent> events) {
        this.name = name;
        process = ChildJvm.start(name, List.of(), false, words);
        address =
                switch (ServeJson.parse(ServeEvent.class, process.receive(START))) {
                    case ServeEvent.Ready ready -> ready.address();
                    case ServeEvent other ->
                            throw new IllegalStateException(name + " began with " + other);
                };
        Thread.ofVirtual().start(() -> listen(events));
    }

    private void listen(BiConsumer<Worker, ServeEvent> events) {
        try {
            while (!closed) {
                var event = ServeJson.parse(ServeEvent.class, process.receive(SILENCE));
                if (event instanceof ServeEvent.State now) {
                    state = now;
                }
                events.accept(this, event);
            }
        } catch (RuntimeException e) {
            if (!closed) {
                events.accept(this, new ServeEvent.Failed(-1, name + ": " + e.getMessage()));
            }
        }
    }

    String name() {
        return name;
    }

    String address() {
        return address;
    }

    ServeEvent.State state() {
        return state;
    }

    double kvUse() {
        return state.usedBlocks() / (double) state.blocks();
    }

    /** What it has been given and has not finished; newer than what it says itself. */
    int outstanding() {
        return outstanding;
    }

    synchronized void took() {
        outstanding++;
    }

    synchronized void finished() {
        outstanding--;
    }

    void send(ServeOrder order) {
        process.send(ServeJson.line(ServeOrder.class, order));
    }

    /** A prompt whose blocks it keeps; nobody can use them before it is done with it. */
    void remember(List<Integer> prompt) {
        synchronized (prefixes) {
            prefixes.addLast(prompt);
            if (prefixes.size() > REMEMBERED) {
                prefixes.removeFirst();
            }
        }
    }

    /** {@return how much of a prompt's start it has had, in tokens: an estimate, it may be gone} */
    int cachedTokens(List<Integer> prompt) {
        synchronized (prefixes) {
            int most = 0;
            for (var earlier : prefixes) {
                most = Math.max(most, PrefixCache.common(earlier, prompt));
            }
            return most / PREFIX_TOKENS * PREFIX_TOKENS;
        }
    }

    @Override
    public void close() {
        closed = true;
        process.close();
    }
}
