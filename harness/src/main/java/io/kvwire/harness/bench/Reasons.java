package io.kvwire.harness.bench;

import com.fasterxml.jackson.core.type.TypeReference;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** What is known of why kvwire is behind where it is: data, so that no code guesses. */
final class Reasons {
    private final List<Reason> reasons;

    /**
     * @param point regular expression over workload and point
     * @param subject regular expression over ours
     * @param against regular expression over the other
     * @param why one sentence
     */
    record Reason(String point, String subject, String against, String why) {}

    private Reasons(List<Reason> reasons) {
        this.reasons = List.copyOf(reasons);
    }

    static Reasons read(Path file) throws IOException {
        return new Reasons(
                Json.FILES.readValue(file.toFile(), new TypeReference<List<Reason>>() {}));
    }

    String why(Point point, Subject ours, Subject other) {
        return reasons.stream()
                .filter(r -> matches(r.point(), point.key()))
                .filter(r -> matches(r.subject(), ours.id()))
                .filter(r -> matches(r.against(), other.id()))
                .map(Reason::why)
                .findFirst()
                .orElse("no cause established");
    }

    private static boolean matches(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).matches();
    }
}
