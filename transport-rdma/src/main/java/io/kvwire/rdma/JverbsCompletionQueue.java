package io.kvwire.rdma;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A completion queue of {@link JverbsVerbs}. It cannot be woken while it sleeps, and so sleeps in
 * slices.
 */
final class JverbsCompletionQueue implements CompletionQueue {
    private static final int SLICE_MILLIS = 1;
    private static final int OTHER = 21;

    /** The names of the statuses, in the order of {@code enum ibv_wc_status}. */
    private static final List<String> STATUSES =
            List.of(
                    "IBV_WC_SUCCESS",
                    "IBV_WC_LOC_LEN_ERR",
                    "IBV_WC_LOC_QP_OP_ERR",
                    "IBV_WC_LOC_EEC_OP_ERR",
                    "IBV_WC_LOC_PROT_ERR",
                    "IBV_WC_WR_FLUSH_ERR",
                    "IBV_WC_MW_BIND_ERR",
                    "IBV_WC_BAD_RESP_ERR",
                    "IBV_WC_LOC_ACCESS_ERR",
                    "IBV_WC_REM_INV_REQ_ERR",
                    "IBV_WC_REM_ACCESS_ERR",
                    "IBV_WC_REM_OP_ERR",
                    "IBV_WC_RETRY_EXC_ERR",
                    "IBV_WC_RNR_RETRY_EXC_ERR");

    private final JverbsApi api;
    private final Object context;
    private final Object channel;
    private final Object queue;
    private final Object notify;
    private Optional<JverbsReceives> receives = Optional.empty();
    private Object[] polled = {};
    private Optional<Object> poll = Optional.empty();
    private volatile boolean woken;

    JverbsCompletionQueue(JverbsApi api, Object context, int depth) {
        this.api = api;
        this.context = context;
        channel = api.createChannel.with(context);
        queue = api.createQueue.with(context, channel, depth, 0);
        notify = api.requestNotify.with(queue, false);
    }

    Object queue() {
        return queue;
    }

    /** Names the receives that are completed here. */
    synchronized void receives(JverbsReceives taken) {
        receives = Optional.of(taken);
    }

    @Override
    public int poll(Completions into) {
        if (polled.length != into.capacity()) {
            prepare(into.capacity());
        }
        api.polling.execute(poll.orElseThrow());
        int count = api.getPolls.number(poll.get());
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (copy(polled[i], into, kept)) {
                kept++;
            }
        }
        return kept;
    }

    /** An array of jVerbs' own class, which it fills. */
    private void prepare(int capacity) {
        poll.ifPresent(api.polling::free);
        Object first = api.workCompletion.with();
        polled = (Object[]) java.lang.reflect.Array.newInstance(first.getClass(), capacity);
        for (int i = 0; i < capacity; i++) {
            polled[i] = api.workCompletion.with();
        }
        poll = Optional.of(api.pollQueue.with(queue, polled, capacity));
    }

    /** {@return false for a receive that is nobody's any more} */
    private boolean copy(Object completion, Completions into, int at) {
        into.id[at] = (long) api.completedId.with(completion);
        into.status[at] = status(api.getStatus.with(completion));
        into.bytes[at] = api.getByteLength.number(completion);
        into.immediate[at] = false;
        return into.id[at] >= 0 || receives().completed(into, at);
    }

    private synchronized JverbsReceives receives() {
        return receives.orElseThrow();
    }

    private static int status(Object status) {
        int number = STATUSES.indexOf(((Enum<?>) status).name());
        return number < 0 ? OTHER : number;
    }

    @Override
    public void arm() {
        api.notifying.execute(notify);
    }

    @Override
    public void await(long nanos) {
        long deadline = System.nanoTime() + nanos;
        while (!woken && deadline - System.nanoTime() > 0) {
            if ((boolean) api.getQueueEvent.with(channel, SLICE_MILLIS)) {
                api.ackQueueEvents.with(channel, queue, 1);
                break;
            }
            // Should an implementation not wait, this thread must not take a core for that.
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(50));
        }
        woken = false;
    }

    @Override
    public void wake() {
        woken = true;
    }

    @Override
    public void close() {
        poll.ifPresent(api.polling::free);
        api.notifying.free(notify);
        api.destroyQueue.with(context, queue);
        api.destroyChannel.with(context, channel);
    }
}
