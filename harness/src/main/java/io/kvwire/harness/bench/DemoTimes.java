package io.kvwire.harness.bench;

import com.fasterxml.jackson.core.type.TypeReference;

import io.kvwire.harness.timeline.OverlapFigures;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;

/**
 * What a whole request takes: a row of {@code kvwire demo --json}, by path, mode and codec.
 *
 * @param step of the demo
 * @param path between prefill and decode
 * @param codec on it
 * @param mode how the cache travelled
 * @param ttftMillis time to first token
 * @param tpotMillis time for each further token
 * @param handoverMillis from the end of prefill to the first token's being known at decode
 * @param hiddenShare of the transfer, behind the prefill
 * @param note what else to know
 * @param overlap when each layer was computed, encoded, on the wire and decoded, where it went
 *     layer by layer
 * @param error why it could not be run, or empty
 */
record DemoTimes(
        BigDecimal step,
        String path,
        String codec,
        String mode,
        double ttftMillis,
        double tpotMillis,
        double handoverMillis,
        double hiddenShare,
        String note,
        OverlapFigures overlap,
        String error) {

    DemoTimes {
        note = note == null ? "" : note;
        overlap = overlap == null ? OverlapFigures.NONE : overlap;
        error = error == null ? "" : error;
    }

    static List<DemoTimes> read(Path file) throws IOException {
        var steps = Json.FILES.readTree(file.toFile()).path("steps");
        if (!steps.isArray()) {
            throw new IllegalArgumentException(
                    file + " is no JSON of 'kvwire demo': it has no steps");
        }
        return Json.FILES.convertValue(steps, new TypeReference<List<DemoTimes>>() {});
    }

    /** {@return its name for people} */
    String label() {
        var text = path.equals("none") ? "one process" : path + " " + mode + " " + codec;
        var noted = note.isEmpty() ? text : text + ", " + note;
        return error.isEmpty() ? noted : noted + ", failed: " + error;
    }
}
