package io.kvwire.harness.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A page that needs nothing but itself: text, tables and charts. Confined to one thread. */
public final class HtmlPage {
    private static final String STYLE =
            """
            body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem;
                   padding: 0 1rem; color: #1a1a1a; }
            table { border-collapse: collapse; margin: 1rem 0; font-size: 13px; }
            th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #ddd;
                     font-variant-numeric: tabular-nums; }
            .behind { background: #fdecea; }
            svg { max-width: 100%; height: auto; }
            """;

    private final StringBuilder body = new StringBuilder();
    private final String title;

    /**
     * Begins a page.
     *
     * @param title of the window, and first heading
     */
    public HtmlPage(String title) {
        this.title = title;
        body.append("<h1>").append(escape(title)).append("</h1>\n");
    }

    /**
     * Adds a heading.
     *
     * @param text of it
     */
    public void heading(String text) {
        body.append("<h2>").append(escape(text)).append("</h2>\n");
    }

    /**
     * Adds a paragraph.
     *
     * @param text of it
     */
    public void paragraph(String text) {
        body.append("<p>").append(escape(text)).append("</p>\n");
    }

    /**
     * Adds a chart.
     *
     * @param svg as {@link Charts} makes it
     */
    public void chart(String svg) {
        body.append("<figure>").append(svg).append("</figure>\n");
    }

    /**
     * Adds a table.
     *
     * @param head of its columns
     * @param rows of as many cells
     * @param marked which rows are bad news
     */
    public void table(List<String> head, List<List<String>> rows, List<Boolean> marked) {
        body.append("<table><thead><tr>");
        head.forEach(cell -> body.append("<th>").append(escape(cell)).append("</th>"));
        body.append("</tr></thead><tbody>\n");
        for (int i = 0; i < rows.size(); i++) {
            boolean bad = i < marked.size() && marked.get(i);
            body.append(bad ? "<tr class=\"behind\">" : "<tr>");
            rows.get(i).forEach(c -> body.append("<td>").append(escape(c)).append("</td>"));
            body.append("</tr>\n");
        }
        body.append("</tbody></table>\n");
    }

    /**
     * Writes the page.
     *
     * @param file to create or replace
     * @throws IOException when it cannot be written
     */
    public void write(Path file) throws IOException {
        Files.writeString(
                file,
                "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>"
                        + escape(title)
                        + "</title>\n<style>\n"
                        + STYLE
                        + "</style></head>\n<body>\n"
                        + body
                        + "</body></html>\n");
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
