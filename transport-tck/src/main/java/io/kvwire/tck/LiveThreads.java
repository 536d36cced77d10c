package io.kvwire.tck;

import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The threads that ran at one time, to see later which are new. */
final class LiveThreads {
    /** Started by the JDK or by libraries of the tests on first use, and kept for the whole JVM. */
    private static final Set<String> OF_THE_JVM =
            Set.of(
                    "CompletableFutureDelayScheduler",
                    "ForkJoinPool",
                    "Cleaner-",
                    "Common-Cleaner",
                    "Attach Listener",
                    "VirtualThread-unblocker",
                    "process reaper",
                    "junit",
                    "surefire");

    private final Set<Thread> before;
    private final Set<String> shared;

    private LiveThreads(Set<Thread> before, Set<String> shared) {
        this.before = before;
        this.shared = shared;
    }

    static LiveThreads now(Set<String> shared) {
        return new LiveThreads(Thread.getAllStackTraces().keySet(), shared);
    }

    List<String> started() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.isAlive() && !before.contains(thread))
                .map(Thread::getName)
                .filter(name ->
                        Stream.concat(OF_THE_JVM.stream(), shared.stream())
                                .noneMatch(name::startsWith))
                .sorted()
                .toList();
    }

    void assertNoneLeft() {
        Waits.until(
                () -> "threads that outlive their node: " + started(), () -> started().isEmpty());
    }
}
