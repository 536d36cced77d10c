package io.kvwire.harness.serve;

import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.Llama;
import io.kvwire.harness.model.PagedKv;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The thread that computes, as engines schedule: prompts first, one at a time, then one token for
 * every sequence that decodes. What others want of it comes as tasks through a queue; everything
 * else is its own.
 */
final class Engine implements AutoCloseable {
    private static final Duration DEADLINE = Duration.ofMinutes(2);
    private static final long IDLE_MILLIS = 20;

    private final Llama llama;
    private final PagedKv memory;
    private final PrefixCache blocks;
    private final Consumer<ServeEvent> events;
    private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final Deque<Work> waiting = new ArrayDeque<>();
    private final List<Decoding> active = new ArrayList<>();
    private final int totalBlocks;
    private int arriving;
    private boolean full;
    private volatile boolean stopped;

    /** A prompt to compute: returns false when there is no room for it yet. */
    interface Work {
        boolean run();
    }

    /** A sequence that decodes. */
    private static final class Decoding {
        private final ServeOrder order;
        private final PrefixCache.Seat seat;
        private int token;
        private int position;
        private int made = 1;

        Decoding(ServeOrder order, PrefixCache.Seat seat, int first) {
            this.order = order;
            this.seat = seat;
            token = first;
            position = order.prompt().size();
        }
    }

    Engine(
            Llama llama,
            PagedKv memory,
            PrefixCache blocks,
            int totalBlocks,
            Consumer<ServeEvent> events) {
        this.llama = llama;
        this.memory = memory;
        this.blocks = blocks;
        this.totalBlocks = totalBlocks;
        this.events = events;
    }

    /** Runs a task on the thread that computes, soon. */
    void execute(Runnable task) {
        tasks.add(task);
    }

    /** Runs until it is closed. */
    void run() {
        while (!stopped) {
            try {
                boolean idle = active.isEmpty() && (waiting.isEmpty() || full);
                var task = idle ? tasks.poll(IDLE_MILLIS, TimeUnit.MILLISECONDS) : tasks.poll();
                for (; task != null; task = tasks.poll()) {
                    task.run();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            prefillNext();
            decodeAll();
        }
    }

    private void prefillNext() {
        var next = waiting.peek();
        full = next != null && !next.run();
        if (next != null && !full) {
            waiting.remove();
        }
    }

    // --- requests, on the thread that computes --------------------------------------------------

    /** A prompt that is computed here. */
    void local(ServeOrder order) {
        waiting.add(() -> {
            var seat = blocks.take(order.id(), order.prompt(), room(order));
            if (seat.isEmpty()) {
                return false;
            }
            int[] all = ints(order.prompt());
            int from = seat.get().reusedTokens();
            int[] rest = Arrays.copyOfRange(all, from, all.length);
            int first =
                    Llama.greedy(
                            llama.prefill(
                                    rest, from, seat.get().blocks(), memory, LayerListener.NONE));
            begin(order, seat.get(), first);
            return true;
        });
    }

    /** A prompt that another worker computes: {@code ask} is called once there is room for it. */
    void remote(ServeOrder order, Consumer<PrefixCache.Seat> ask) {
        waiting.add(() -> {
            var seat = blocks.take(order.id(), order.prompt(), room(order));
            seat.ifPresent(found -> {
                arriving++;
                ask.accept(found);
            });
            return seat.isPresent();
        });
    }

    /** Its cache is in place, or it will not come. */
    void arrived(ServeOrder order, PrefixCache.Seat seat, int first, Throwable failure) {
        arriving--;
        if (failure != null) {
            blocks.drop(seat);
            events.accept(new ServeEvent.Failed(order.id(), String.valueOf(failure.getMessage())));
            return;
        }
        begin(order, seat, first);
    }

    /** A prompt for another worker: computed here, sent layer by layer while it is. */
    void serve(PrefillMessage.Ask ask, RemotePrefills.Delivery delivery) {
        waiting.add(() -> {
            var seat = blocks.take(ask.id(), ask.prompt(), ask.prompt().size());
            if (seat.isEmpty()) {
                return false;
            }
            arriving++;
            try {
                send(ask, delivery, seat.get());
            } catch (TransferException e) {
                delivery.refuse(ask.id(), e.getMessage());
                arriving--;
                blocks.drop(seat.get());
            }
            return true;
        });
    }

    /** What is in this cache already is sent at once, under the lease of the seat. */
    private void send(
            PrefillMessage.Ask ask, RemotePrefills.Delivery delivery, PrefixCache.Seat seat) {
        BlockTransfer transfer = delivery.blocks(ask, seat.blocks());
        try (var stream =
                delivery.peer().stream(transfer, TransferOptions.DEFAULT.withDeadline(DEADLINE))) {
            int from = seat.reusedTokens();
            if (from > ask.firstToken()) {
                for (int layer = 0; layer < memory.geometry().layers(); layer++) {
                    stream.ready(layer, ask.firstToken(), from - ask.firstToken());
                }
            }
            int[] all = ints(ask.prompt());
            int first =
                    Llama.greedy(
                            llama.prefill(
                                    Arrays.copyOfRange(all, from, all.length),
                                    from,
                                    seat.blocks(),
                                    memory,
                                    (layer, start, count) -> {
                                        int known = Math.clamp(ask.firstToken() - start, 0, count);
                                        if (known < count) {
                                            stream.ready(layer, start + known, count - known);
                                        }
                                    }));
            delivery.first(ask.id(), first);
            // The next prompt need not wait for the last byte of this one.
            Thread.ofVirtual()
                    .start(() -> {
                        try {
                            stream.transfer().join(DEADLINE);
                        } catch (TransferException e) {
                            delivery.refuse(ask.id(), e.getMessage());
                        } finally {
                            execute(() -> sent(seat, ask.prompt()));
                        }
                    });
        }
    }

    private void sent(PrefixCache.Seat seat, List<Integer> prompt) {
        arriving--;
        blocks.give(seat, prompt);
    }

    private void begin(ServeOrder order, PrefixCache.Seat seat, int first) {
        events.accept(new ServeEvent.Token(order.id(), first));
        var sequence = new Decoding(order, seat, first);
        if (order.maxTokens() == 1) {
            end(sequence);
        } else {
            active.add(sequence);
        }
    }

    private void decodeAll() {
        for (var sequence : List.copyOf(active)) {
            sequence.token =
                    Llama.greedy(
                            llama.decode(
                                    sequence.token,
                                    sequence.position,
                                    sequence.seat.blocks(),
                                    memory));
            sequence.position++;
            sequence.made++;
            events.accept(new ServeEvent.Token(sequence.order.id(), sequence.token));
            if (sequence.made == sequence.order.maxTokens()) {
                active.remove(sequence);
                end(sequence);
            }
        }
    }

    private void end(Decoding sequence) {
        blocks.give(sequence.seat, sequence.order.prompt());
        events.accept(new ServeEvent.Done(sequence.order.id(), sequence.seat.reusedTokens()));
    }

    /** {@return how it is now} */
    ServeEvent.State state() {
        return new ServeEvent.State(
                waiting.size() + tasks.size() + arriving,
                active.size(),
                blocks.usedBlocks(),
                totalBlocks,
                blocks.leases());
    }

    private static int room(ServeOrder order) {
        return order.prompt().size() + order.maxTokens() - 1;
    }

    private static int[] ints(List<Integer> tokens) {
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }

    @Override
    public void close() {
        stopped = true;
    }
}
