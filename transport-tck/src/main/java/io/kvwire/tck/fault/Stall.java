package io.kvwire.tck.fault;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The gate at which threads that receive frames wait. Thread-safe. */
final class Stall {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition moved = lock.newCondition();
    private StallPoint point;
    private long round;
    private int waiting;

    void begin(StallPoint where) {
        lock.lock();
        try {
            point = where;
        } finally {
            lock.unlock();
        }
    }

    void end() {
        lock.lock();
        try {
            point = null;
            moved.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void step() {
        lock.lock();
        try {
            round++;
            moved.signalAll();
        } finally {
            lock.unlock();
        }
    }

    int waiting() {
        lock.lock();
        try {
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    /** Waits while frames are stalled at this point. */
    void at(StallPoint here) {
        lock.lock();
        try {
            long entered = round;
            waiting++;
            while (point == here && round == entered) {
                moved.awaitUninterruptibly();
            }
        } finally {
            waiting--;
            lock.unlock();
        }
    }
}
