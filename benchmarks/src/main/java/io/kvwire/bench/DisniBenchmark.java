package io.kvwire.bench;

import com.ibm.disni.verbs.IbvContext;
import com.ibm.disni.verbs.IbvQP;
import com.ibm.disni.verbs.IbvQPInitAttr;
import com.ibm.disni.verbs.IbvSendWR;
import com.ibm.disni.verbs.IbvSge;
import com.ibm.disni.verbs.IbvWC;
import com.ibm.disni.verbs.RdmaCm;
import com.ibm.disni.verbs.RdmaEventChannel;
import com.ibm.disni.verbs.SVCPollCq;
import com.ibm.disni.verbs.SVCPostSend;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The same as {@link VerbsBenchmark} through DiSNI 2.1, in the way that it is fastest: calls that
 * were prepared once, whose requests are changed in place.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DisniBenchmark {

    private static final int CHUNK_BYTES = 4096;

    /** Requests in a list, and completions polled at a time. */
    @Param({"1", "16"})
    public int batch;

    private SVCPostSend send;
    private SVCPollCq poll;
    private IbvWC[] completions;
    private long id;

    /**
     * Makes a queue pair and prepares the calls.
     *
     * @throws IOException when DiSNI cannot
     */
    @Setup
    public void open() throws IOException {
        var channel = RdmaEventChannel.createEventChannel();
        var connection = channel.createId(RdmaCm.RDMA_PS_TCP);
        IbvContext context = connection.getVerbs();
        var domain = context.allocPd();
        var wakeUps = context.createCompChannel();
        var queue = context.createCQ(wakeUps, batch, 0);
        var attributes = new IbvQPInitAttr();
        attributes.setQp_type(IbvQP.IBV_QPT_RC);
        attributes.setSend_cq(queue);
        attributes.setRecv_cq(queue);
        attributes.cap().setMax_send_wr(batch);
        attributes.cap().setMax_recv_wr(1);
        var pair = connection.createQP(domain, attributes);
        completions = new IbvWC[batch];
        for (int i = 0; i < batch; i++) {
            completions[i] = new IbvWC();
        }
        poll = queue.poll(completions, batch);
        send = pair.postSend(requests(), null);
    }

    @SuppressWarnings("JdkObsolete") // DiSNI asks for a LinkedList
    private List<IbvSendWR> requests() {
        var requests = new ArrayList<IbvSendWR>();
        for (int i = 0; i < batch; i++) {
            var segment = new IbvSge();
            segment.setLkey(7);
            segment.setLength(CHUNK_BYTES);
            var request = new IbvSendWR();
            request.setSg_list(new LinkedList<>(List.of(segment)));
            request.setOpcode(IbvSendWR.IBV_WR_RDMA_WRITE);
            request.setSend_flags(IbvSendWR.IBV_SEND_SIGNALED);
            requests.add(request);
        }
        return requests;
    }

    /**
     * Writes the list anew and posts it.
     *
     * @return the call
     * @throws IOException when the device refuses
     */
    @Benchmark
    public SVCPostSend post() throws IOException {
        id++;
        long address = id << 12;
        for (int i = 0; i < batch; i++) {
            long at = address + (long) i * CHUNK_BYTES;
            var request = send.getWrMod(i);
            request.setWr_id(id + i);
            request.setSend_flags(IbvSendWR.IBV_SEND_SIGNALED);
            request.getRdmaMod().setRemote_addr(at);
            request.getRdmaMod().setRkey(9);
            var segment = request.getSgeMod(0);
            segment.setAddr(at);
            segment.setLength(CHUNK_BYTES);
            segment.setLkey(7);
        }
        return send.execute();
    }

    /**
     * {@return the sum of the ids}
     *
     * @throws IOException when the device refuses
     */
    @Benchmark
    public long poll() throws IOException {
        int count = poll.execute().getPolls();
        long sum = 0;
        for (int i = 0; i < count; i++) {
            if (completions[i].getStatus() != 0) {
                throw new IllegalStateException("a request failed");
            }
            sum += completions[i].getWr_id();
        }
        return sum;
    }
}
