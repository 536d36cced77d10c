package com.ibm.net.rdma.jverbs.verbs;

/** Posts requests to a send queue. */
public final class PostSendMethod extends StatefulVerbsMethod<PostSendMethod> {
    PostSendMethod(Step step) {
        super(step);
    }
}
