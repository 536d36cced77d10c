package io.kvwire.harness.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.weights.ModelException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** A config.json is read as Hugging Face means it; what is not supported is refused. */
class ConfigJsonTest {
    private static final String SMALLEST =
            """
            {"vocab_size":100,"hidden_size":64,"intermediate_size":96,"num_hidden_layers":2,
             "num_attention_heads":4 %s}\
            """;

    @Test
    void allThatAFileOfLlama31SaysIsUnderstood() {
        var config =
                parse(
                        """
                        {"architectures":["LlamaForCausalLM"],"model_type":"llama",
                         "attention_bias":false,"attention_dropout":0.0,"bos_token_id":128000,
                         "eos_token_id":[128001,128008,128009],"hidden_act":"silu",
                         "hidden_size":4096,"intermediate_size":14336,
                         "max_position_embeddings":131072,"mlp_bias":false,
                         "num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,
                         "pretraining_tp":1,"rms_norm_eps":1e-05,
                         "rope_scaling":{"factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
                           "original_max_position_embeddings":8192,"rope_type":"llama3"},
                         "rope_theta":500000.0,"tie_word_embeddings":false,
                         "torch_dtype":"bfloat16","vocab_size":128256}\
                        """);
        assertEquals(
                new LlamaConfig(
                        128_256,
                        4_096,
                        14_336,
                        32,
                        32,
                        8,
                        128,
                        131_072,
                        1e-5f,
                        new Rope.Llama3(500_000, 8, 1, 4, 8_192),
                        false,
                        List.of(128_001, 128_008, 128_009)),
                config);
        assertEquals(8_030_261_248L, config.parameters());
        assertTrue(config.isEos(128_008));
        assertFalse(config.isEos(0));
    }

    @Test
    void whatAFileLeavesOutHasTheDefaultsOfHuggingFace() {
        assertEquals(
                new LlamaConfig(
                        100,
                        64,
                        96,
                        2,
                        4,
                        4,
                        16,
                        2_048,
                        1e-6f,
                        Rope.plain(10_000),
                        false,
                        List.of()),
                parse(SMALLEST.formatted("")));
    }

    @Test
    void newerFilesKeepThetaAndScalingTogether() {
        var config =
                parse(
                        SMALLEST.formatted(
                                ",\"rope_parameters\":{\"rope_theta\":77.0,\"rope_type\":\"linear\","
                                    + "\"factor\":2.0},\"eos_token_id\":5,\"rope_scaling\":null"));
        assertEquals(new Rope.Linear(77, 2), config.rope());
        assertEquals(List.of(5), config.eosTokens());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "\"model_type\":\"gpt2\";model_type is gpt2; only llama is supported",
                "\"hidden_act\":\"gelu\";hidden_act is gelu",
                "\"attention_bias\":true;attention_bias is true",
                "\"mlp_bias\":true;mlp_bias is true",
                "\"mlp_bias\":\"no\";true or false is expected",
                "\"rope_scaling\":{\"type\":\"yarn\"};rope_type is yarn",
                "\"num_key_value_heads\":3;no multiple of num_key_value_heads 3",
                "\"num_key_value_heads\":8;num_key_value_heads is 8",
                "\"num_key_value_heads\":0;num_key_value_heads is 0",
                "\"num_key_value_heads\":2.5;a whole number is expected",
                "\"num_key_value_heads\":99999999999;a whole number is expected",
                "\"head_dim\":15;head_dim 15 is odd",
                "\"head_dim\":-2;head_dim is -2",
                "\"max_position_embeddings\":0;max_position_embeddings is 0",
                "\"rms_norm_eps\":0;rms_norm_eps 0.0 is not between",
                "\"rms_norm_eps\":\"x\";a number is expected",
                "\"rope_theta\":-1;rope_theta -1.0 is not above 1",
                "\"eos_token_id\":100;eos_token_id 100 is outside the vocabulary of 100",
                "\"eos_token_id\":[\"x\"];eos_token_id -1 is outside",
            })
    void whatIsWrongOrUnsupportedIsNamed(String entry, String reason) {
        var thrown =
                assertThrows(ModelException.class, () -> parse(SMALLEST.formatted("," + entry)));
        assertTrue(thrown.getMessage().contains(reason), thrown.getMessage());
        assertEquals(1, thrown.getMessage().lines().count());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "7", "{\"vocab_size\":", "{}", "nonsense"})
    void whatIsNoConfigurationIsRefusedInOneLine(String json) {
        var thrown = assertThrows(ModelException.class, () -> parse(json));
        assertTrue(thrown.getMessage().startsWith("test.json "), thrown.getMessage());
        assertEquals(1, thrown.getMessage().lines().count(), thrown.getMessage());
    }

    @Test
    void frequenciesFallFromOneToNearlyOneOverTheta() {
        double[] frequencies = Rope.plain(10_000).frequencies(8);
        assertEquals(4, frequencies.length);
        assertEquals(1, frequencies[0], 1e-15);
        assertEquals(0.1, frequencies[1], 1e-15);
        assertEquals(0.01, frequencies[2], 1e-15);
        assertEquals(0.001, frequencies[3], 1e-15);
        assertEquals(0.0005, new Rope.Linear(10_000, 2).frequencies(8)[3], 1e-15);
    }

    @Test
    void theScalingOfLlama3KeepsShortWavesSlowsLongOnesAndBlendsThoseBetween() {
        var rope = new Rope.Llama3(500_000, 8, 1, 4, 8_192);
        double perTurn = 2 * Math.PI;
        assertEquals(perTurn / 2_000, rope.scale(perTurn / 2_000), 1e-12); // below 8192 / 4
        assertEquals(perTurn / 9_000 / 8, rope.scale(perTurn / 9_000), 1e-12); // above 8192 / 1
        // A wave of 4096 positions turns twice: a third of the way from 1 to 4.
        double frequency = perTurn / 4_096;
        double expected = 2.0 / 3 * frequency / 8 + 1.0 / 3 * frequency;
        assertEquals(expected, rope.scale(frequency), 1e-12);
    }

    private static LlamaConfig parse(String json) {
        return ConfigJson.parse(json.getBytes(StandardCharsets.UTF_8), "test.json");
    }
}
