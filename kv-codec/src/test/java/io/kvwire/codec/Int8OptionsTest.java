package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Set;

class Int8OptionsTest {
    @Test
    void noTextIsTheDefault() {
        assertEquals(Int8Options.DEFAULT, Int8Options.parse(""));
    }

    @Test
    void everyOptionIsRead() {
        assertEquals(
                new Int8Options(
                        true, false, RowCoding.HADAMARD, 0, RowCoding.RAW, Set.of(0, 7, 8, 9)),
                Int8Options.parse("scales=fp16,keys=hadamard,values=raw,skip=0/7-9"));
        assertEquals(
                new Int8Options(false, true, RowCoding.OUTLIERS, 2, RowCoding.TOKEN, Set.of()),
                Int8Options.parse("range=asymmetric,keys=outliers:2"));
        assertEquals(
                new Int8Options(false, false, RowCoding.CHANNEL, 0, RowCoding.HADAMARD, Set.of()),
                Int8Options.parse("scales=fp32,range=symmetric,keys=channel,values=hadamard"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "scale=fp16 | the options are scales, range, keys, values and skip",
                "scales | need one of fp32, fp16",
                "scales=bf16 | need one of fp32, fp16",
                "range=no | need one of symmetric, asymmetric",
                "keys=rotate | need one of token, raw, channel, hadamard, outliers:1",
                "keys=outliers:65 | need 1 to 64",
                "keys=outliers:0 | need one of",
                "values=channel | need one of token, raw, hadamard",
                "values=outliers:2 | need one of token, raw, hadamard",
                "skip=a | need layers",
                "skip=1- | need layers",
                "skip=9999999 | need layers",
                "scales=fp16,range=asymmetric | neither scales=fp16",
                "keys=channel,range=asymmetric | nor keys=channel",
            })
    void aWrongOptionIsNamed(String text, String message) {
        var refusal = assertThrows(IllegalArgumentException.class, () -> Int8Options.parse(text));

        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    @Test
    void aCodecWithOptionsIsFoundByItsText() {
        var codec = KvCodecProvider.create("int8,scales=fp16,keys=hadamard", KvModel.UNKNOWN);

        assertInstanceOf(Int8Codec.class, codec);
        assertEquals("int8", codec.name());
    }

    @Test
    void aTextThatNamesNoCodecOrNoOptionOfItIsRefused() {
        var unknown = refusal("int9,scales=fp16");
        assertTrue(unknown.contains("no codec int9") && unknown.contains("raw"), unknown);
        var none = refusal("raw,scales=fp16");
        assertTrue(none.contains("raw has no options"), none);
    }

    private static String refusal(String text) {
        return assertThrows(
                        IllegalArgumentException.class,
                        () -> KvCodecProvider.create(text, KvModel.UNKNOWN))
                .getMessage();
    }
}
