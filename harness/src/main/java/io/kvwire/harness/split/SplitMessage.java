package io.kvwire.harness.split;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferTrace.Interval;

import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.Objects;

/**
 * What the two halves of a run tell each other, as JSON in notifications. The cache itself never
 * travels this way.
 *
 * <p>Decode asks with {@link Prefill}. Prefill answers with {@link Finished} or {@link Failed}, and
 * after a push with {@link Stages} and {@link Delivered} once its transfer has ended. After a pull
 * decode says {@link Pulled}, and prefill gives the blocks up.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = SplitMessage.Prefill.class, name = "prefill"),
    @JsonSubTypes.Type(value = SplitMessage.Finished.class, name = "finished"),
    @JsonSubTypes.Type(value = SplitMessage.Failed.class, name = "failed"),
    @JsonSubTypes.Type(value = SplitMessage.Stages.class, name = "stages"),
    @JsonSubTypes.Type(value = SplitMessage.Delivered.class, name = "delivered"),
    @JsonSubTypes.Type(value = SplitMessage.Pulled.class, name = "pulled"),
    @JsonSubTypes.Type(value = SplitMessage.Clock.class, name = "clock")
})
sealed interface SplitMessage {
    /** The name of the request, chosen by decode. */
    long requestId();

    /**
     * Decode asks for a prompt's cache.
     *
     * @param requestId a new name
     * @param mode how to deliver it
     * @param fingerprint of decode's model, see {@link ModelFingerprint}
     * @param tokens the prompt
     * @param blocks decode's block table, see {@link #text(BlockTable)}; empty for pull and file
     * @param file for {@link TransferMode#FILE}, a plain file name; else empty
     * @param again whether prefill may hand over what it still has of this prompt, in place of
     *     computing it
     */
    record Prefill(
            long requestId,
            TransferMode mode,
            String fingerprint,
            List<Integer> tokens,
            String blocks,
            String file,
            boolean again)
            implements SplitMessage {
        public Prefill {
            Objects.requireNonNull(mode, "mode");
            Objects.requireNonNull(fingerprint, "fingerprint");
            Objects.requireNonNull(blocks, "blocks");
            Objects.requireNonNull(file, "file");
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * The prompt is computed. In bulk mode this arrives after the cache is in place.
     *
     * @param requestId of the request
     * @param firstToken the token with the largest logit after the prompt
     * @param startNanos when the prefill began, on prefill's clock
     * @param computeNanos the whole prefill
     * @param unitNanos when each layer of each chunk was ready, since the start of the prefill, in
     *     the order of computing
     * @param chunkTokens tokens of each chunk but the last
     * @param saveNanos writing the file, or 0
     * @param leaseId for pull, else 0
     * @param blocks for pull, prefill's block table; else empty
     */
    record Finished(
            long requestId,
            int firstToken,
            long startNanos,
            long computeNanos,
            List<Long> unitNanos,
            int chunkTokens,
            long saveNanos,
            long leaseId,
            String blocks)
            implements SplitMessage {
        public Finished {
            Objects.requireNonNull(blocks, "blocks");
            unitNanos = List.copyOf(unitNanos);
        }

        /** This message after the cache was saved to a file. */
        Finished saved(long computed, long saving) {
            return new Finished(
                    requestId,
                    firstToken,
                    startNanos,
                    computed,
                    unitNanos,
                    chunkTokens,
                    saving,
                    0,
                    "");
        }

        /** This message with blocks to read. */
        Finished offering(long lease, String table) {
            return new Finished(
                    requestId,
                    firstToken,
                    startNanos,
                    computeNanos,
                    unitNanos,
                    chunkTokens,
                    0,
                    lease,
                    table);
        }
    }

    /**
     * The request cannot be served.
     *
     * @param requestId of the request
     * @param code of the error
     * @param message one line for the user
     */
    record Failed(long requestId, ErrorCode code, String message) implements SplitMessage {
        public Failed {
            Objects.requireNonNull(code, "code");
            Objects.requireNonNull(message, "message");
        }
    }

    /**
     * What prefill did with some of the frames of a push; as many of these as it takes.
     *
     * @param requestId of the request
     * @param intervals on prefill's clock
     */
    record Stages(long requestId, List<Interval> intervals) implements SplitMessage {
        /** So many make a message that fits into a notification of any node. */
        static final int MOST = 256;

        public Stages {
            intervals = List.copyOf(intervals);
        }
    }

    /**
     * A push has ended well.
     *
     * @param requestId of the request
     * @param transferNanos from the first byte handed over to the receiver's last confirmation
     * @param choices what prefill chose
     */
    record Delivered(long requestId, long transferNanos, Choices choices) implements SplitMessage {
        public Delivered {
            Objects.requireNonNull(choices, "choices");
        }
    }

    /**
     * Decode has read all it needs.
     *
     * @param requestId of the request
     */
    record Pulled(long requestId) implements SplitMessage {}

    /**
     * Decode asks what prefill's clock shows; prefill sends it back, answered.
     *
     * @param requestId of the request that was last answered
     * @param askedNanos decode's clock when it asked
     * @param thereNanos prefill's clock when it answered; 0 in the question
     */
    record Clock(long requestId, long askedNanos, long thereNanos) implements SplitMessage {}

    /** {@return this message as bytes} */
    default byte[] encode() {
        try {
            return Json.MAPPER.writerFor(SplitMessage.class).writeValueAsBytes(this);
        } catch (JsonProcessingException e) {
            throw new TransferException(ErrorCode.INTERNAL, "a message has no JSON form", e);
        }
    }

    /**
     * Reads a message.
     *
     * @param bytes a notification
     * @return the message
     * @throws TransferException with {@link ErrorCode#MALFORMED} when it is none
     */
    static SplitMessage decode(byte[] bytes) {
        try {
            var message = Json.MAPPER.readValue(bytes, SplitMessage.class);
            if (message != null) {
                return message;
            }
        } catch (IOException e) {
            throw malformed(e);
        }
        throw malformed(null);
    }

    private static TransferException malformed(Throwable cause) {
        return new TransferException(
                ErrorCode.MALFORMED,
                "the peer sent a notification that is no message of kvwire prefill or decode;"
                        + " run the same version on both hosts",
                cause);
    }

    /**
     * {@return a block table as text}
     *
     * @param table a table
     */
    static String text(BlockTable table) {
        return Base64.getEncoder().encodeToString(table.encode());
    }

    /**
     * {@return the block table that {@link #text} wrote}
     *
     * @param text from a peer
     * @throws TransferException with {@link ErrorCode#MALFORMED} when it is none
     */
    static BlockTable table(String text) {
        try {
            return BlockTable.decode(Base64.getDecoder().decode(text));
        } catch (IllegalArgumentException e) {
            throw malformed(e);
        }
    }

    /** The one mapper; thread-safe. */
    final class Json {
        static final JsonMapper MAPPER = JsonMapper.builder().build();

        private Json() {}
    }
}
