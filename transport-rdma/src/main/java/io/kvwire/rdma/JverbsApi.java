package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.LinkedList;
import java.util.List;

/**
 * IBM's jVerbs ({@code com.ibm.net.rdma.jverbs}), bound by name: everything of it that kvwire
 * calls. The names and numbers of parameters are those of IBM's public API reference and of
 * programs that use it. Thread-safe; the objects behind it are not.
 */
final class JverbsApi extends NamedMethods {
    private static final String PACKAGE = "com.ibm.net.rdma.jverbs.";

    // cm
    final JverbsCall createEventChannel = method("cm.EventChannel", "createEventChannel", 0);
    final JverbsCall destroyEventChannel = method("cm.EventChannel", "destroyEventChannel", 0);
    final JverbsCall getConnectionEvent = method("cm.EventChannel", "getConnectionEvent", 1);
    final JverbsCall ackConnectionEvent = method("cm.EventChannel", "ackConnectionEvent", 1);
    final JverbsCall getEventType = method("cm.ConnectionEvent", "getEventType", 0);
    final JverbsCall getConnectionId = method("cm.ConnectionEvent", "getConnectionId", 0);
    final JverbsCall createId = method("cm.ConnectionId", "create", 2);
    final JverbsCall bindAddress = method("cm.ConnectionId", "bindAddress", 1);
    final JverbsCall listen = method("cm.ConnectionId", "listen", 1);
    final JverbsCall resolveAddress = method("cm.ConnectionId", "resolveAddress", 3);
    final JverbsCall resolveRoute = method("cm.ConnectionId", "resolveRoute", 1);
    final JverbsCall connect = method("cm.ConnectionId", "connect", 1);
    final JverbsCall accept = method("cm.ConnectionId", "accept", 1);
    final JverbsCall disconnect = method("cm.ConnectionId", "disconnect", 0);
    final JverbsCall destroyId = method("cm.ConnectionId", "destroy", 0);
    final JverbsCall createQueuePair = method("cm.ConnectionId", "createQueuePair", 2);
    final JverbsCall destroyQueuePair = method("cm.ConnectionId", "destroyQueuePair", 0);
    final JverbsCall getVerbsContext = method("cm.ConnectionId", "getVerbsContext", 0);
    final JverbsCall getDestinationAddress = method("cm.ConnectionId", "getDestinationAddress", 0);
    final JverbsCall connectionParameter = constructor("cm.ConnectionParameter", 4);
    final Object portSpaceTcp = constant("cm.PortSpace", "RDMA_PS_TCP");

    // verbs: what sets up
    final JverbsCall allocDomain = method("verbs.VerbsContext", "allocProtectionDomain", 0);
    final JverbsCall deallocDomain = method("verbs.VerbsContext", "deallocProtectionDomain", 1);
    final JverbsCall createChannel = method("verbs.VerbsContext", "createCompletionChannel", 0);
    final JverbsCall destroyChannel = method("verbs.VerbsContext", "destroyCompletionChannel", 1);
    final JverbsCall createQueue = method("verbs.VerbsContext", "createCompletionQueue", 3);
    final JverbsCall destroyQueue = method("verbs.VerbsContext", "destroyCompletionQueue", 1);
    final JverbsCall register = method("verbs.ProtectionDomain", "registerMemoryRegion", 2);
    final JverbsCall deregister = method("verbs.ProtectionDomain", "deregisterMemoryRegion", 1);
    final JverbsCall getMemoryRegion =
            method("verbs.RegisterMemoryRegionMethod", "getMemoryRegion", 0);
    final JverbsCall getLocalKey = method("verbs.MemoryRegion", "getLocalKey", 0);
    final JverbsCall getRemoteKey = method("verbs.MemoryRegion", "getRemoteKey", 0);
    final JverbsCall queuePairAttribute = constructor("verbs.QueuePairInitAttribute", 0);
    final JverbsCall getCap = method("verbs.QueuePairInitAttribute", "getCap", 0);
    final JverbsCall setType = method("verbs.QueuePairInitAttribute", "setQueuePairType", 1);
    final JverbsCall setSendQueue =
            method("verbs.QueuePairInitAttribute", "setSendCompletionQueue", 1);
    final JverbsCall setReceiveQueue =
            method("verbs.QueuePairInitAttribute", "setReceiveCompletionQueue", 1);
    final JverbsCall setMaxSends = method("verbs.QueuePairLimit", "setMaxSendWorkRequest", 1);
    final JverbsCall setMaxReceives = method("verbs.QueuePairLimit", "setMaxReceiveWorkRequest", 1);
    final JverbsCall setMaxSendPieces = method("verbs.QueuePairLimit", "setMaxSendSge", 1);
    final JverbsCall setMaxReceivePieces = method("verbs.QueuePairLimit", "setMaxReceiveSge", 1);
    final Object reliableConnected = constant("verbs.QueuePair$Type", "IBV_QPT_RC");

    // verbs: what moves. Each stateful method is prepared, executed and freed.
    final JverbsCall preparePostSend = method("verbs.QueuePair", "preparePostSend", 1);
    final JverbsCall preparePostReceive = method("verbs.QueuePair", "preparePostReceive", 1);
    final JverbsCall pollQueue = method("verbs.CompletionQueue", "pollCQ", 2);
    final JverbsCall requestNotify = method("verbs.CompletionQueue", "requestNotifyCQ", 1);
    final JverbsCall getQueueEvent = method("verbs.CompletionChannel", "getCQEvent", 1);
    final JverbsCall ackQueueEvents = method("verbs.CompletionChannel", "ackCQEvents", 2);
    final JverbsCall getPolls = method("verbs.PollCQMethod", "getPolls", 0);
    final JverbsCall workCompletion = constructor("verbs.WorkCompletion", 0);
    final JverbsCall completedId = method("verbs.WorkCompletion", "getWorkRequestId", 0);
    final JverbsCall getStatus = method("verbs.WorkCompletion", "getStatus", 0);
    final JverbsCall getByteLength = method("verbs.WorkCompletion", "getByteLength", 0);
    final JverbsCall sendRequest = constructor("verbs.SendWorkRequest", 0);
    final JverbsCall setSendId = method("verbs.SendWorkRequest", "setWorkRequestId", 1);
    final JverbsCall setOpcode = method("verbs.SendWorkRequest", "setOpcode", 1);
    final JverbsCall setSendFlags = method("verbs.SendWorkRequest", "setSendFlags", 1);
    final JverbsCall setSendPieces = method("verbs.SendWorkRequest", "setSgeList", 1);
    final JverbsCall getRdma = method("verbs.SendWorkRequest", "getRdma", 0);
    final JverbsCall setRemoteAddress = method("verbs.SendWorkRequest$Rdma", "setRemoteAddress", 1);
    final JverbsCall setRemoteKey = method("verbs.SendWorkRequest$Rdma", "setRemoteKey", 1);
    final JverbsCall receiveRequest = constructor("verbs.ReceiveWorkRequest", 0);
    final JverbsCall setReceiveId = method("verbs.ReceiveWorkRequest", "setWorkRequestId", 1);
    final JverbsCall setReceivePieces = method("verbs.ReceiveWorkRequest", "setSgeList", 1);
    final JverbsCall piece = constructor("verbs.ScatterGatherElement", 0);
    final JverbsCall setAddress = method("verbs.ScatterGatherElement", "setAddress", 1);
    final JverbsCall setLength = method("verbs.ScatterGatherElement", "setLength", 1);
    final JverbsCall setLocalKey = method("verbs.ScatterGatherElement", "setLocalKey", 1);
    final Object opcodeSend = constant("verbs.SendWorkRequest$Opcode", "IBV_WR_SEND");
    final Object opcodeWrite = constant("verbs.SendWorkRequest$Opcode", "IBV_WR_RDMA_WRITE");
    final Object opcodeRead = constant("verbs.SendWorkRequest$Opcode", "IBV_WR_RDMA_READ");
    final Object signaled = constant("verbs.SendWorkRequest", "IBV_SEND_SIGNALED");

    final JverbsMethod registering = new JverbsMethod("verbs.RegisterMemoryRegionMethod");
    final JverbsMethod deregistering = new JverbsMethod("verbs.DeregisterMemoryRegionMethod");
    final JverbsMethod posting = new JverbsMethod("verbs.PostSendMethod");
    final JverbsMethod receiving = new JverbsMethod("verbs.PostReceiveMethod");
    final JverbsMethod polling = new JverbsMethod("verbs.PollCQMethod");
    final JverbsMethod notifying = new JverbsMethod("verbs.RequestNotifyCQMethod");

    /**
     * Binds all of it.
     *
     * @param loader of the classes
     * @throws ReflectiveOperationException when something is not there
     */
    JverbsApi(ClassLoader loader) throws ReflectiveOperationException {
        super(loader, PACKAGE);
    }

    /** {@return a list for pieces of memory, of the class that jVerbs asks for} */
    @SuppressWarnings("JdkObsolete")
    static List<Object> pieces() {
        return new LinkedList<>();
    }

    /** One kind of prepared call: it is executed, maybe again and again, and freed at last. */
    final class JverbsMethod {
        private final JverbsCall execute;
        private final JverbsCall isSuccess;
        private final JverbsCall free;
        private final String name;

        private JverbsMethod(String name) throws ReflectiveOperationException {
            this.name = name;
            execute = method(name, "execute", 0);
            isSuccess = method(name, "isSuccess", 0);
            free = method(name, "free", 0);
        }

        /** Executes a call that is kept. */
        void execute(Object call) {
            execute.with(call);
            if (!(boolean) isSuccess.with(call)) {
                throw new TransferException(
                        ErrorCode.LANE_LOST, "jVerbs failed in " + name + ".execute");
            }
        }

        /** Executes a call and frees it. */
        void once(Object call) {
            try {
                execute(call);
            } finally {
                free.with(call);
            }
        }

        void free(Object call) {
            free.with(call);
        }
    }
}
