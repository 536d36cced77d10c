package io.kvwire.ffi.verbs;

import io.kvwire.ffi.BundledLibrary;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Posting and polling through DiSNI 2.1 ({@code com.ibm.disni:disni}) instead of the foreign
 * function interface.
 *
 * <p>DiSNI is used where it is on the class path. Its native half, which its authors publish only
 * as sources, is ours: built with this module where a C compiler and the headers of verbs are,
 * taken from this module's jar, or from the file that the system property {@value
 * #LIBRARY_PROPERTY} names.
 *
 * <p>A {@link Context} opened here posts sends and receives, polls, and asks for notifications
 * through DiSNI's {@code NativeDispatcher}. What DiSNI has no call for goes through libibverbs
 * itself: listing devices and addresses, connecting without its connection manager, shared receive
 * queues, memory windows, dma-buf, regions of 2 GiB and more. Of a post that is refused, DiSNI does
 * not tell how many requests were taken.
 *
 * <p>Thread-safe.
 */
public final class Disni {

    /** Name of the system property that names the native library's file. */
    public static final String LIBRARY_PROPERTY = "kvwire.disni.library";

    private static final String LIBRARY_FILE = "libdisni.so";
    private static final String PACKAGE = "com.ibm.disni.";
    private static final String DISPATCHER = "com.ibm.disni.verbs.impl.NativeDispatcher";

    private Disni() {}

    /** The dispatcher, or the reason why there is none; made when it is first asked for. */
    private static final class Opened {
        static final Object DISPATCHER_OR_REASON = open();

        private static Object open() {
            try {
                return dispatcher();
            } catch (IOException | ReflectiveOperationException | LinkageError e) {
                var cause = e.getCause() == null ? e : e.getCause();
                return "DiSNI cannot be used: " + cause;
            }
        }
    }

    /** {@return whether DiSNI and its native half are there} */
    public static boolean isPresent() {
        return reason().isEmpty();
    }

    /** {@return why DiSNI cannot be used, and what to do; empty when it can} */
    public static String reason() {
        if (!VerbsLibrary.isPresent()) {
            return VerbsLibrary.reason();
        }
        return Opened.DISPATCHER_OR_REASON instanceof String reason ? reason : "";
    }

    /**
     * Opens a device, whose work requests and completions then go through DiSNI.
     *
     * @param device one of {@link VerbsLibrary#devices()}
     * @return the open device
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when DiSNI or the device is
     *     not there
     */
    public static Context open(Device device) {
        if (!isPresent()) {
            throw new TransferException(ErrorCode.PATH_UNAVAILABLE, reason());
        }
        return VerbsLibrary.open(device, context -> new DisniOperations(context, CallMode.PLAIN));
    }

    /** {@return DiSNI's {@code NativeDispatcher}; only where DiSNI is present} */
    static Object dispatcherObject() {
        return Opened.DISPATCHER_OR_REASON;
    }

    private static Object dispatcher() throws IOException, ReflectiveOperationException {
        var classFile = DISPATCHER.replace('.', '/') + ".class";
        var found = Disni.class.getClassLoader().getResource(classFile);
        if (found == null) {
            return "DiSNI is not there: put com.ibm.disni:disni:2.1 on the class path";
        }
        var classes = origin(found, classFile);
        var named = System.getProperty(LIBRARY_PROPERTY);
        if (named == null) {
            return BundledLibrary.open(LIBRARY_FILE, library -> dispatcher(classes, library))
                    .orElse(
                            "DiSNI's native half is not in this build: build kvwire where a C"
                                    + " compiler, libibverbs-dev and librdmacm-dev are, or name"
                                    + " the file in -D"
                                    + LIBRARY_PROPERTY);
        }
        if (!Files.isRegularFile(Path.of(named))) {
            throw new IOException("no file " + named + ", which -D" + LIBRARY_PROPERTY + " names");
        }
        return dispatcher(classes, Path.of(named).toAbsolutePath());
    }

    /** Opens the library too: DiSNI's dispatcher does when its class is initialised. */
    private static Object dispatcher(URL classes, Path library)
            throws ReflectiveOperationException {
        // Stays open: its classes live as long as the JVM.
        var loader = new Loader(classes, library);
        Constructor<?> constructor =
                Class.forName(DISPATCHER, true, loader).getDeclaredConstructor();
        constructor.setAccessible(true);
        return constructor.newInstance();
    }

    /** {@return where the classes lie: a jar or a folder} */
    private static URL origin(URL found, String classFile) throws IOException {
        var text = found.toString();
        var base = text.substring(0, text.length() - classFile.length());
        if (base.startsWith("jar:")) {
            base = base.substring("jar:".length(), base.length() - "!/".length());
        }
        try {
            return new URI(base).toURL();
        } catch (URISyntaxException e) {
            throw new IOException("no place to load classes from: " + base, e);
        }
    }

    /**
     * Loads DiSNI's classes a second time. They open their library by its name, which only their
     * own loader can turn into a file that is not on {@code java.library.path}.
     */
    private static final class Loader extends URLClassLoader {

        private final Path library;

        Loader(URL classes, Path library) {
            super(new URL[] {classes}, Disni.class.getClassLoader());
            this.library = library;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith(PACKAGE)) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                var loaded = findLoadedClass(name);
                return loaded == null ? findClass(name) : loaded;
            }
        }

        @Override
        protected String findLibrary(String name) {
            return library.toString();
        }
    }
}
