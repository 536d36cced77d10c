package io.kvwire.harness.tokenizer;

import java.util.Arrays;

/**
 * The text of a growing sequence of tokens. A token may hold part of a character; what is not
 * complete yet is held back. Confined to one thread.
 *
 * <pre>{@code
 * var text = tokenizer.text();
 * decoding.run(first, position, 64, token -> out.print(text.append(token)));
 * }</pre>
 */
public final class TokenText {
    private static final String INCOMPLETE = "\uFFFD";

    private final TextTokenizer tokenizer;
    private int[] tokens = new int[64];
    private int count;
    private int shown;

    TokenText(TextTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * Adds a token.
     *
     * @param token its id
     * @return what became readable with it; may be empty
     */
    public String append(int token) {
        if (count == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * count);
        }
        tokens[count++] = token;
        var text = tokenizer.decode(Arrays.copyOf(tokens, count));
        if (text.endsWith(INCOMPLETE) || text.length() <= shown) {
            return "";
        }
        var fresh = text.substring(shown);
        shown = text.length();
        return fresh;
    }
}
