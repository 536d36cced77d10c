package io.kvwire.ffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Optional;

class BundledLibraryTest {
    private static final String COPY = "libkvwirecopy.so";

    private final ArrayList<Path> copies = new ArrayList<>();

    @Test
    void theCopyIsThereWhileItIsOpenedAndGoneAfterwards() throws Exception {
        var name = BundledLibrary.open(COPY, this::note);
        assumeTrue(name.isPresent(), "built without a C compiler");
        assertEquals(Path.of(COPY), name.get());
        assertGone();
    }

    @Test
    void nothingIsLeftBehindWhereItCannotBeOpened() throws Exception {
        assumeTrue(BundledLibrary.open(COPY, this::note).isPresent(), "built without a C compiler");
        var refusal = new IOException("not a library");
        BundledLibrary.Opener<Path, IOException> refuses =
                copy -> {
                    note(copy);
                    throw refusal;
                };
        assertSame(
                refusal, assertThrows(IOException.class, () -> BundledLibrary.open(COPY, refuses)));
        assertEquals(2, copies.size());
        assertGone();
    }

    @Test
    void aLibraryThatIsNotBundledIsEmpty() throws Exception {
        assertEquals(Optional.empty(), BundledLibrary.open("libno-such-thing.so", this::note));
        assertEquals(0, copies.size());
    }

    private Path note(Path copy) {
        assertTrue(Files.isRegularFile(copy), () -> copy + " is not there");
        copies.add(copy);
        return copy.getFileName();
    }

    private void assertGone() {
        for (var copy : copies) {
            assertFalse(Files.exists(copy.getParent()), () -> copy.getParent() + " is left");
        }
    }
}
