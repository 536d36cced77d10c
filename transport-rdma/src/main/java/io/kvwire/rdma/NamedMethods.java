package io.kvwire.rdma;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.util.Arrays;

/** Methods of classes that may not be there, found by their names. */
abstract class NamedMethods {
    private final ClassLoader loader;
    private final String prefix;

    /**
     * Finds nothing yet.
     *
     * @param loader of the classes
     * @param prefix what all class names begin with
     */
    NamedMethods(ClassLoader loader, String prefix) {
        this.loader = loader;
        this.prefix = prefix;
    }

    final JverbsCall method(String type, String name, int parameters)
            throws ReflectiveOperationException {
        // Of several (bridges of a return type), any does.
        Method found =
                Arrays.stream(type(type).getMethods())
                        .filter(m -> m.getName().equals(name))
                        .filter(m -> m.getParameterCount() == parameters)
                        .findFirst()
                        .orElseThrow(() ->
                                new NoSuchMethodException(
                                        "no method "
                                                + prefix
                                                + type
                                                + "."
                                                + name
                                                + " with "
                                                + parameters
                                                + " parameters"));
        return call(type, name, MethodHandles.publicLookup().unreflect(found));
    }

    final JverbsCall constructor(String type, int parameters) throws ReflectiveOperationException {
        Constructor<?> found =
                Arrays.stream(type(type).getConstructors())
                        .filter(c -> c.getParameterCount() == parameters)
                        .findFirst()
                        .orElseThrow(() ->
                                new NoSuchMethodException(
                                        "no constructor of "
                                                + prefix
                                                + type
                                                + " with "
                                                + parameters
                                                + " parameters"));
        return call(type, "new", MethodHandles.publicLookup().unreflectConstructor(found));
    }

    final Object constant(String type, String name) throws ReflectiveOperationException {
        return type(type).getField(name).get(null);
    }

    private static JverbsCall call(String type, String name, MethodHandle handle) {
        return new JverbsCall(type + "." + name, handle);
    }

    private Class<?> type(String name) throws ClassNotFoundException {
        return Class.forName(prefix + name, true, loader);
    }
}
