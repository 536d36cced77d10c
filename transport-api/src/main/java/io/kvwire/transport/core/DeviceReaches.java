package io.kvwire.transport.core;

import io.kvwire.transport.spi.DeviceReach;

import java.util.Map;

/**
 * How each path of a node moves a cache in memory of a device.
 *
 * @param device its name for people
 * @param byPath by the path's name
 */
record DeviceReaches(String device, Map<String, DeviceReach> byPath) {
    /** Of memory that is no device's, or that no path was offered. */
    static final DeviceReaches NONE = new DeviceReaches("", Map.of());

    /** Copies the map. */
    DeviceReaches {
        byPath = Map.copyOf(byPath);
    }

    /** Whether a path reads and writes the memory itself. */
    boolean direct(String path) {
        var reach = byPath.get(path);
        return reach != null && reach.direct();
    }

    /** What the path report says. */
    String describe(String path) {
        var reach = byPath.get(path);
        if (reach == null) {
            return "on " + device + ", staged";
        }
        return "on " + device + (reach.direct() ? ", direct: " : ", staged: ") + reach.how();
    }
}
