package io.kvwire.ffi.verbs;

/**
 * Something that happened to a device or to one of its objects.
 *
 * @param type what happened
 * @param element number of the queue pair or of the port it happened to; 0 for other objects
 */
public record AsyncEvent(Type type, int element) {

    /** What an event is about. */
    public enum Element {
        /** A queue pair, named by its number. */
        QUEUE_PAIR,
        /** A port, from 1. */
        PORT,
        /** The device, a completion queue or a shared receive queue. */
        OTHER
    }

    /** {@code enum ibv_event_type}, in its order. */
    public enum Type {
        /** A completion queue overran; every queue pair on it is lost. */
        CQ_ERROR(Element.OTHER),
        /** A queue pair is in error, and cannot say so by a completion. */
        QP_FATAL(Element.QUEUE_PAIR),
        /** A peer sent what is no valid request. */
        QP_REQUEST_ERROR(Element.QUEUE_PAIR),
        /** A peer reached for memory it has no key to. */
        QP_ACCESS_ERROR(Element.QUEUE_PAIR),
        /** The first packet came before the queue pair was ready to send. */
        COMMUNICATION_ESTABLISHED(Element.QUEUE_PAIR),
        /** The send queue is drained. */
        SEND_QUEUE_DRAINED(Element.QUEUE_PAIR),
        /** The connection moved to its other path. */
        PATH_MIGRATED(Element.QUEUE_PAIR),
        /** The connection failed to move to its other path. */
        PATH_MIGRATION_ERROR(Element.QUEUE_PAIR),
        /** The device is lost. */
        DEVICE_FATAL(Element.OTHER),
        /** A port carries packets. */
        PORT_ACTIVE(Element.PORT),
        /** A port went down. */
        PORT_ERROR(Element.PORT),
        /** A port's local identifier changed. */
        LID_CHANGE(Element.PORT),
        /** A port's partition keys changed. */
        PKEY_CHANGE(Element.PORT),
        /** The subnet manager changed. */
        SUBNET_MANAGER_CHANGE(Element.PORT),
        /** A shared receive queue is in error. */
        SRQ_ERROR(Element.OTHER),
        /** A shared receive queue holds fewer receives than its limit. */
        SRQ_LIMIT_REACHED(Element.OTHER),
        /** A queue pair in error takes no more receives from its shared queue. */
        QP_LAST_REQUEST_REACHED(Element.QUEUE_PAIR),
        /** The subnet manager wants everything to be registered anew. */
        CLIENT_REREGISTER(Element.PORT),
        /** A port's addresses changed. */
        GID_CHANGE(Element.PORT),
        /** Something newer than this list. */
        UNKNOWN(Element.OTHER);

        private static final Type[] VALUES = values();

        private final Element element;

        Type(Element element) {
            this.element = element;
        }

        /** {@return what the event is about} */
        public Element element() {
            return element;
        }

        static Type of(int number) {
            return number >= 0 && number < VALUES.length ? VALUES[number] : UNKNOWN;
        }
    }
}
