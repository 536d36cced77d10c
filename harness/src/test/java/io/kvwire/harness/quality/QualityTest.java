package io.kvwire.harness.quality;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.harness.model.ModelSource;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The trained model on a small part of what the command runs. */
class QualityTest {
    private static QualityReport report;

    @BeforeAll
    static void run() {
        var effort = new QualityRun.Effort(1, 192, 3);
        report = new QualityRun(ModelSource.parse("trained"), effort, what -> {}).run();
    }

    @Test
    void losslessCodecsChangeNothing() {
        for (var name : List.of("raw", "raw+lz4")) {
            var row = find(report.codecs(), name, "");
            assertEquals(0, row.perplexityChange(), name);
            assertEquals(0, row.klDivergence(), name);
            assertEquals(1, row.top1Agreement(), name);
            assertEquals(0, row.logitMaxError(), name);
        }
    }

    @Test
    void int8ChangesALittleAndSavesALot() {
        var row = find(report.codecs(), "int8", "");
        assertTrue(Math.abs(row.perplexityChange()) < 0.005, row.toString());
        assertTrue(row.perplexity() > 2 && row.perplexity() < 50, row.toString());
        assertTrue(row.logitRmsError() > 1e-3 && row.logitRmsError() < 0.03, row.toString());
        assertTrue(row.klDivergence() > 0 && row.klDivergence() < 1e-4, row.toString());
        assertTrue(row.top1Agreement() >= 0.98, row.toString());
        assertTrue(row.ratio() > 1.85 && row.ratio() < 1.9, row.toString());
    }

    @Test
    void outlierChannelsLeaveTheModelAsItWasUntilTheyAreQuantised() {
        var plain = find(report.codecs(), "raw", "");
        var raw = find(report.outlierKeys(), "raw", "");
        assertEquals(plain.perplexity(), raw.perplexity());

        var int8 = find(report.outlierKeys(), "int8", "");
        var without = find(report.codecs(), "int8", "");
        assertTrue(int8.logitRmsError() > 5 * without.logitRmsError(), int8.toString());
        assertTrue(int8.klDivergence() > 20 * without.klDivergence(), int8.toString());
    }

    @Test
    void eachRemedyHelpsAgainstOutlierChannels() {
        double bad = find(report.outlierKeys(), "int8", "").logitRmsError();
        assertTrue(error("keys=hadamard") < bad / 2, "hadamard");
        assertTrue(error("keys=channel") < bad / 5, "channel");
        assertTrue(error("keys=outliers:2") < bad / 5, "outliers");
        assertEquals(0, error("keys=raw"));
    }

    @Test
    void rawContinuesEveryPromptTokenForToken() {
        var raw = report.greedy().getFirst();
        assertEquals(3, raw.sameContinuations());
        assertEquals(raw.tokens(), raw.sameTokens());
        assertTrue(raw.tokens() >= 3, raw.toString());
    }

    @Test
    void tcpDeliversWhatWasMeasured() {
        assertEquals(List.of("raw", "int8"), report.wire().stream().map(OnWire::codec).toList());
        assertTrue(report.wire().stream().allMatch(OnWire::sameBytes), report.toString());
    }

    @Test
    void nothingIsWrongWithTheModelThatShips() {
        assertEquals(List.of(), report.failures(0.005));
        assertEquals(50, QualityRun.Effort.FULL.prompts());
    }

    @Test
    void whatMustNotBeIsSaidInALineEach() {
        var wrong =
                new QualityReport(
                        "trained",
                        List.of(changed("raw", 1e-9), changed("int8", 0.006)),
                        List.of(changed("int8", 0.5)),
                        List.of(
                                new Greedy("raw", "", 50, 49, 800, 799),
                                new Greedy("int8", "", 50, 46, 800, 772)),
                        List.of(new OnWire("int8", "", 900, false)));

        assertEquals(
                List.of(
                        "a raw cache continued 1 of 50 prompts with other tokens: it must be exact",
                        "a raw cache changed perplexity by +1.00e-09: it must be exact",
                        "INT8 changed perplexity by +0.600 %, more than 0.500 %"
                                + " (--max-perplexity-change)",
                        "TCP delivered other bytes than the same frames in one process"),
                wrong.failures(0.005));
        assertEquals(3, wrong.failures(0.006).size(), "a wider bound");
    }

    @Test
    void aPerplexityThatIsNoNumberIsNotWithinAnyBound() {
        var wrong =
                new QualityReport(
                        "trained",
                        List.of(changed("int8", Double.NaN)),
                        List.of(),
                        List.of(),
                        List.of());

        assertEquals(1, wrong.failures(1).size());
    }

    private static CodecQuality changed(String codec, double perplexityChange) {
        return new CodecQuality(codec, "", 12, perplexityChange, 0, 1, 0, 0, 1);
    }

    @Test
    void jsonAndChartNameEveryCodec(@TempDir Path folder) throws IOException {
        var json = folder.resolve("quality.json");
        var chart = folder.resolve("quality.svg");
        report.write(json);
        QualityChart.write(report, chart);

        var rows = new JsonMapper().readTree(json.toFile()).get("codecs");
        assertEquals(CodecChoice.all(6).size(), rows.size());
        var drawn = Files.readString(chart);
        for (var row : rows) {
            for (var field :
                    List.of(
                            "perplexity",
                            "klDivergence",
                            "top1Agreement",
                            "logitRmsError",
                            "ratio")) {
                assertTrue(row.get(field).isNumber(), field);
            }
            var label = row.get("codec").asText() + " " + row.get("options").asText();
            assertTrue(drawn.contains(label.strip() + "</text>"), label);
        }
    }

    private static double error(String options) {
        return find(report.outlierKeys(), "int8", options).logitRmsError();
    }

    private static CodecQuality find(List<CodecQuality> rows, String codec, String options) {
        return rows.stream()
                .filter(row -> row.codec().equals(codec) && row.options().equals(options))
                .findFirst()
                .orElseThrow();
    }
}
