package com.ibm.net.rdma.jverbs.verbs;

/** Asks for an event at the next completion. */
public final class RequestNotifyCQMethod extends StatefulVerbsMethod<RequestNotifyCQMethod> {
    RequestNotifyCQMethod(Step step) {
        super(step);
    }
}
