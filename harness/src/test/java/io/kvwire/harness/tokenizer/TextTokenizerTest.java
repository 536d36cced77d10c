package io.kvwire.harness.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.util.Ec2Utils;
import ai.djl.util.Utils;

import io.kvwire.harness.model.SamplePrompt;
import io.kvwire.harness.weights.ModelException;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/** The tokenizer of the trained model, without a network. */
class TextTokenizerTest {
    private static TextTokenizer tokenizer;

    @BeforeAll
    static void open() throws IOException {
        try (var in = SamplePrompt.class.getResourceAsStream("tokenizer.json")) {
            tokenizer = TextTokenizer.of(in.readAllBytes(), "tokenizer.json");
        }
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    @Test
    void textsBeginWithTheTokenThatTheModelWasTrainedToSeeFirst() {
        assertArrayEquals(
                new int[] {0, 1138, 260, 1815, 1240, 388, 281, 553, 284, 260, 731},
                tokenizer.encode("In the beginning God created the heaven"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "In the beginning God created the heaven and the earth.",
                "",
                " two  spaces\n\nand lines\t",
                "naïve Ünïcödé — 日本語 🙂 end",
                "<s> and </s> written out"
            })
    void aTextComesBackFromItsTokens(String text) {
        var expected = text.replace("<s>", "").replace("</s>", "");
        assertEquals(expected, tokenizer.decode(tokenizer.encode(text)));
    }

    @Test
    void theSamplePromptsHaveTheLengthsTheySay() {
        var prompts = SamplePrompt.all();
        assertTrue(prompts.size() >= 10);
        for (var prompt : prompts) {
            assertEquals(prompt.tokens(), tokenizer.encode(prompt.text()).length);
        }
    }

    @Test
    void aGrowingTextIsHandedOutInWholeCharacters() {
        var whole = "Ünï 日本 🙂!";
        var text = tokenizer.text();
        var shown = new StringBuilder();
        for (int token : tokenizer.encode(whole)) {
            var part = text.append(token);
            assertFalse(part.contains("\uFFFD"), part);
            shown.append(part);
        }
        assertEquals(whole, shown.toString());
    }

    @Test
    void aLongTextGrowsBeyondTheFirstTokens() {
        int[] tokens = tokenizer.encode("And it came to pass ".repeat(60));
        var text = tokenizer.text();
        var shown = new StringBuilder();
        Arrays.stream(tokens).forEach(token -> shown.append(text.append(token)));
        assertEquals("And it came to pass ".repeat(60), shown.toString());
    }

    @Test
    void aFileThatIsNoTokenizerIsRefusedInOneLine() {
        for (var json : new String[] {"", "nonsense", "{}", "[1]"}) {
            var bytes = json.getBytes(StandardCharsets.UTF_8);
            var thrown =
                    assertThrows(ModelException.class, () -> TextTokenizer.of(bytes, "test.json"));
            assertTrue(thrown.getMessage().startsWith("test.json is no tokenizer"));
            assertEquals(1, thrown.getMessage().lines().count());
        }
        assertThrows(ModelException.class, () -> TextTokenizer.open(Path.of("no/such.json")));
    }

    @Test
    void theLibraryIsOfflineAndHasNotReportedItsUse() throws ReflectiveOperationException {
        tokenizer.decode(tokenizer.encode("And God said"));
        // All network access of the library asks this first.
        assertTrue(Utils.isOfflineMode());
        var lastReport = Ec2Utils.class.getDeclaredField("lastCheckIn");
        lastReport.setAccessible(true);
        assertEquals(0L, lastReport.get(null));
    }
}
