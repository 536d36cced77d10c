package io.kvwire.tck.memory;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The threads of one end of a wire: started together, waited for at its close. Thread-safe. */
final class Threads {
    private final Set<Thread> running = ConcurrentHashMap.newKeySet();

    void start(String name, Runnable work) {
        var thread =
                Thread.ofPlatform()
                        .daemon()
                        .name(name)
                        .unstarted(() -> {
                            try {
                                work.run();
                            } finally {
                                running.remove(Thread.currentThread());
                            }
                        });
        running.add(thread);
        thread.start();
    }

    /** Waits for all threads but the one that asks. */
    void join() {
        boolean interrupted = false;
        for (var thread : running) {
            while (thread != Thread.currentThread() && thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
