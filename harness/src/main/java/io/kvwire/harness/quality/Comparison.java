package io.kvwire.harness.quality;

import io.kvwire.harness.model.Llama;

/** Sums over tokens and attention logits what two runs of the same text differ by. */
final class Comparison {
    private long tokens;
    private long agreed;
    private double untouchedLoss;
    private double loss;
    private double divergence;
    private long logits;
    private double squares;
    private double largest;

    /** Adds one token: the logits before it from both caches, and which token the text has. */
    void token(float[] untouched, float[] arrived, int next) {
        double before = logSum(untouched);
        double after = logSum(arrived);
        double kl = 0;
        for (int i = 0; i < untouched.length; i++) {
            double p = untouched[i] - before;
            kl += Math.exp(p) * (p - (arrived[i] - after));
        }
        divergence += kl;
        untouchedLoss += before - untouched[next];
        loss += after - arrived[next];
        agreed += Llama.greedy(untouched) == Llama.greedy(arrived) ? 1 : 0;
        tokens++;
    }

    /** Adds the difference of one attention logit. */
    void logit(double difference) {
        logits++;
        squares += difference * difference;
        largest = Math.max(largest, Math.abs(difference));
    }

    private static double logSum(float[] logits) {
        double most = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            most = Math.max(most, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - most);
        }
        return most + Math.log(sum);
    }

    CodecQuality quality(CodecChoice choice, double ratio) {
        return new CodecQuality(
                choice.codec(),
                choice.options(),
                Math.exp(loss / tokens),
                Math.exp((loss - untouchedLoss) / tokens) - 1,
                divergence / tokens,
                (double) agreed / tokens,
                Math.sqrt(squares / logits),
                largest,
                ratio);
    }
}
