package io.kvwire.tck;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this process holds of the machine.
 *
 * @param fileDescriptors open ones, 0 where the system does not list them
 * @param directBytes of direct buffers, after a garbage collection
 * @param nativeBytes that the wire holds elsewhere
 */
record ResourceUse(long fileDescriptors, long directBytes, long nativeBytes) {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    /** What lazily made and then kept objects of JDK and libraries may take. */
    private static final long DIRECT_SLACK_BYTES = 1 << 20;

    private static final long DESCRIPTOR_SLACK = 2;

    static ResourceUse now(WireUnderTest wire) {
        System.gc();
        long direct =
                ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                        .filter(pool -> pool.getName().equals("direct"))
                        .mapToLong(BufferPoolMXBean::getMemoryUsed)
                        .sum();
        return new ResourceUse(descriptors(), direct, wire.nativeBytes());
    }

    private static long descriptors() {
        if (!Files.isDirectory(DESCRIPTORS)) {
            return 0;
        }
        try (var open = Files.list(DESCRIPTORS)) {
            return open.count();
        } catch (IOException e) {
            return 0;
        }
    }

    /** {@return whether this is no more than earlier, apart from what is kept for good} */
    boolean within(ResourceUse earlier) {
        return fileDescriptors <= earlier.fileDescriptors + DESCRIPTOR_SLACK
                && directBytes <= earlier.directBytes + DIRECT_SLACK_BYTES
                && nativeBytes <= earlier.nativeBytes + DIRECT_SLACK_BYTES;
    }
}
