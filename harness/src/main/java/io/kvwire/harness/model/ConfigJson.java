package io.kvwire.harness.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.harness.weights.ModelException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads Hugging Face's {@code config.json} for models of type {@code llama}. What would change the
 * result and is not supported (biases, other activations, other position embeddings) is refused,
 * not ignored.
 */
final class ConfigJson {
    private final JsonNode root;
    private final String where;

    private ConfigJson(JsonNode root, String where) {
        this.root = root;
        this.where = where;
    }

    static LlamaConfig parse(byte[] json, String where) {
        try {
            var root = new JsonMapper().readTree(json);
            if (!root.isObject()) {
                throw new ModelException(
                        where + " is no JSON object; give the config.json of a" + " Llama");
            }
            return new ConfigJson(root, where).toConfig();
        } catch (JsonProcessingException e) {
            throw new ModelException(
                    where + " is no valid JSON: " + e.getOriginalMessage() + "; correct it", e);
        } catch (IOException e) {
            throw new ModelException(where + " cannot be read: " + e, e);
        }
    }

    private LlamaConfig toConfig() {
        refuseUnsupported();
        int hiddenSize = required("hidden_size");
        int heads = required("num_attention_heads");
        int headDim = heads > 0 ? hiddenSize / heads : 0;
        return new LlamaConfig(
                required("vocab_size"),
                hiddenSize,
                required("intermediate_size"),
                required("num_hidden_layers"),
                heads,
                integer("num_key_value_heads", heads),
                integer("head_dim", headDim),
                integer("max_position_embeddings", 2_048),
                (float) real(root, "rms_norm_eps", 1e-6),
                rope(),
                flag("tie_word_embeddings"),
                eosTokens());
    }

    private void refuseUnsupported() {
        var type = root.path("model_type").asText("llama");
        if (!type.equals("llama")) {
            throw unsupported("model_type", type, "llama");
        }
        var activation = root.path("hidden_act").asText("silu");
        if (!activation.equals("silu")) {
            throw unsupported("hidden_act", activation, "silu");
        }
        for (var bias : List.of("attention_bias", "mlp_bias")) {
            if (flag(bias)) {
                throw unsupported(bias, "true", "false");
            }
        }
    }

    private ModelException unsupported(String name, String value, String supported) {
        return new ModelException(
                where
                        + ": "
                        + name
                        + " is "
                        + value
                        + "; only "
                        + supported
                        + " is supported: use another model");
    }

    private int required(String name) {
        if (!root.hasNonNull(name)) {
            throw new ModelException(
                    where + " lacks " + name + "; give the config.json of a Llama");
        }
        return integer(name, 0);
    }

    private int integer(String name, int otherwise) {
        return integer(root, name, otherwise);
    }

    private int integer(JsonNode node, String name, int otherwise) {
        var value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return otherwise;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw new ModelException(
                    where + ": " + name + " is " + value + "; a whole number is expected");
        }
        return value.intValue();
    }

    private double real(JsonNode node, String name, double otherwise) {
        var value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return otherwise;
        }
        if (!value.isNumber()) {
            throw new ModelException(
                    where + ": " + name + " is " + value + "; a number is expected");
        }
        return value.doubleValue();
    }

    private boolean flag(String name) {
        var value = root.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return false;
        }
        if (!value.isBoolean()) {
            throw new ModelException(
                    where + ": " + name + " is " + value + "; true or false is expected");
        }
        return value.booleanValue();
    }

    /** Newer files keep theta and scaling in one object, older ones apart. */
    private Rope rope() {
        var parameters = root.path("rope_parameters");
        var scaling = parameters.isObject() ? parameters : root.path("rope_scaling");
        double theta = real(parameters, "rope_theta", real(root, "rope_theta", 10_000));
        var type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
        return switch (type) {
            case "default" -> new Rope.Plain(theta);
            case "linear" -> new Rope.Linear(theta, real(scaling, "factor", 1));
            case "llama3" ->
                    new Rope.Llama3(
                            theta,
                            real(scaling, "factor", 8),
                            real(scaling, "low_freq_factor", 1),
                            real(scaling, "high_freq_factor", 4),
                            integer(scaling, "original_max_position_embeddings", 8_192));
            default -> throw unsupported("rope_type", type, "default, linear or llama3");
        };
    }

    private List<Integer> eosTokens() {
        var value = root.path("eos_token_id");
        if (value.isArray()) {
            var tokens = new ArrayList<Integer>();
            for (var token : value) {
                tokens.add(token.asInt(-1));
            }
            return tokens;
        }
        int token = integer("eos_token_id", -1);
        return token < 0 ? List.of() : List.of(token);
    }
}
