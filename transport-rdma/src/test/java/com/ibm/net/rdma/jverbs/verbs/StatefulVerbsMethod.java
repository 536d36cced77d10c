package com.ibm.net.rdma.jverbs.verbs;

import java.io.IOException;

/** A prepared call. */
public abstract class StatefulVerbsMethod<T extends StatefulVerbsMethod<T>> {
    private boolean valid = true;
    private boolean success;

    /** A step that may fail. */
    interface Step {
        void run() throws IOException;
    }

    private final Step step;

    StatefulVerbsMethod(Step step) {
        this.step = step;
    }

    @SuppressWarnings("unchecked") // T is the class itself
    public T execute() throws IOException {
        if (!valid) {
            throw new IOException("freed already");
        }
        success = false;
        step.run();
        success = true;
        return (T) this;
    }

    public boolean isSuccess() {
        return success;
    }

    public boolean isValid() {
        return valid;
    }

    @SuppressWarnings("unchecked") // T is the class itself
    public T free() {
        valid = false;
        return (T) this;
    }
}
