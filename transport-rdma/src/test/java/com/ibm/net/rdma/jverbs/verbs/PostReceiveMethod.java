package com.ibm.net.rdma.jverbs.verbs;

/** Posts requests to a receive queue. */
public final class PostReceiveMethod extends StatefulVerbsMethod<PostReceiveMethod> {
    PostReceiveMethod(Step step) {
        super(step);
    }
}
