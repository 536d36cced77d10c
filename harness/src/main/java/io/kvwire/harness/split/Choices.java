package io.kvwire.harness.split;

import io.kvwire.transport.CodecDecision;
import io.kvwire.transport.PaceDecision;
import io.kvwire.transport.TransferOptions.Pace;

import java.util.Objects;
import java.util.Optional;

/**
 * What the sending node chose, and why. Texts are empty where there was nothing to choose.
 *
 * @param codec the name of the codec that was used
 * @param codecReason why
 * @param mode {@code bulk} or {@code layerwise}
 * @param modeReason why
 */
public record Choices(String codec, String codecReason, String mode, String modeReason) {
    /** Nothing is known. */
    public static final Choices NONE = new Choices("", "", "", "");

    /** Checks that nothing is missing. */
    public Choices {
        Objects.requireNonNull(codec, "codec");
        Objects.requireNonNull(codecReason, "codecReason");
        Objects.requireNonNull(mode, "mode");
        Objects.requireNonNull(modeReason, "modeReason");
    }

    static Choices of(Optional<CodecDecision> codec, PaceDecision pace) {
        var mode = pace.pace() == Pace.BULK ? TransferMode.BULK : TransferMode.LAYERWISE;
        var groups =
                mode == TransferMode.BULK || pace.groupBytes() == 0
                        ? ""
                        : ", in groups of at least " + pace.groupBytes() + " bytes";
        return new Choices(
                codec.map(CodecDecision::codec).orElse(""),
                codec.map(CodecDecision::reason).orElse(""),
                mode.text(),
                pace.reason() + groups);
    }
}
