package io.kvwire.harness.quality;

import io.kvwire.harness.model.Llama;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.split.CacheShape;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Measures codecs on one model. Confined to one thread. */
final class QualityRun {
    /** How much larger the outlier channels are made: 64, exact in any floating-point type. */
    static final float OUTLIER_FACTOR = 64;

    private static final int GREEDY_TOKENS = 16;
    private static final CacheShape SHAPE = CacheShape.DEFAULT;

    private final ModelSource source;
    private final Effort effort;
    private final Consumer<String> progress;

    /**
     * How much is run.
     *
     * @param texts that are scored
     * @param textTokens the most tokens of each
     * @param prompts that are continued greedily
     */
    record Effort(int texts, int textTokens, int prompts) {
        static final Effort FULL = new Effort(8, 1024, 50);
        static final Effort QUICK = new Effort(2, 256, 10);
    }

    QualityRun(ModelSource source, Effort effort, Consumer<String> progress) {
        this.source = source;
        this.effort = effort;
        this.progress = progress;
    }

    QualityReport run() {
        var model = source.load();
        var config = model.config();
        var outliers = source.load(weights -> new OutlierKeys(weights, config, OUTLIER_FACTOR));
        return new QualityReport(
                model.name(),
                compare(model, CodecChoice.all(config.layers()), ""),
                compare(outliers, CodecChoice.remedies(), "outlier keys, "),
                greedy(model),
                onWire(model));
    }

    private List<CodecQuality> compare(LoadedModel model, List<CodecChoice> choices, String what) {
        int most = Math.min(effort.textTokens(), model.config().maxPositions());
        var texts = new ArrayList<Continuation>();
        try (var llama = model.llama(LlamaOptions.defaults())) {
            for (var text : Texts.longest(model, effort.texts(), most)) {
                progress.accept(what + "text " + (texts.size() + 1) + " of " + effort.texts());
                texts.add(new Continuation(llama, SHAPE, text));
            }
            var rows = new ArrayList<CodecQuality>();
            for (var choice : choices) {
                progress.accept(what + choice.text());
                rows.add(compare(llama, texts, choice));
            }
            return rows;
        } finally {
            texts.forEach(Continuation::close);
        }
    }

    private static CodecQuality compare(Llama llama, List<Continuation> texts, CodecChoice choice) {
        var copy = new FrameCopy(choice);
        var sums = new Comparison();
        texts.forEach(text -> text.compare(llama, SHAPE, copy, sums));
        return sums.quality(choice, copy.ratio());
    }

    private List<Greedy> greedy(LoadedModel model) {
        int most = Math.min(effort.textTokens(), model.config().maxPositions()) - GREEDY_TOKENS;
        var prompts = Texts.longest(model, effort.prompts(), most);
        try (var llama = model.llama(LlamaOptions.defaults())) {
            var run = new GreedyRun(llama, SHAPE, GREEDY_TOKENS);
            var rows = new ArrayList<Greedy>();
            for (var choice : List.of(CodecChoice.RAW, CodecChoice.INT8)) {
                progress.accept("greedy, " + choice.text());
                rows.add(run.run(choice, prompts));
            }
            return rows;
        }
    }

    private List<OnWire> onWire(LoadedModel model) {
        int most = Math.min(effort.textTokens(), model.config().maxPositions());
        int[] prompt = Texts.longest(model, 1, most).getFirst();
        try (var llama = model.llama(LlamaOptions.defaults())) {
            var check = new WireCheck(llama, SHAPE);
            var rows = new ArrayList<OnWire>();
            for (var choice : List.of(CodecChoice.RAW, CodecChoice.INT8)) {
                progress.accept("over TCP, " + choice.text());
                boolean same = check.same(choice, prompt);
                rows.add(new OnWire(choice.codec(), choice.options(), prompt.length, same));
            }
            return rows;
        }
    }
}
