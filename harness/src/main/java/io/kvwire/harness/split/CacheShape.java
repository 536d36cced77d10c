package io.kvwire.harness.split;

import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;

import java.util.Objects;

/**
 * What one seat chooses for its cache: everything in a layout that the model does not decide.
 *
 * @param tokensPerBlock tokens in one block, at least 1
 * @param order tokens or heads first
 * @param form K and V apart or side by side
 * @param dtype element type: FP32, FP16 or BF16
 */
public record CacheShape(int tokensPerBlock, KvOrder order, KvForm form, DType dtype) {
    /** 16-token blocks, token-major, K and V apart, BF16: what vLLM does by default. */
    public static final CacheShape DEFAULT =
            new CacheShape(16, KvOrder.NHD, KvForm.SPLIT, DType.BF16);

    /** Refuses what the model cannot compute with. */
    public CacheShape {
        Objects.requireNonNull(order, "order");
        if (form == KvForm.LATENT) {
            throw new IllegalArgumentException("the model keeps K and V: take SPLIT or FUSED");
        }
        elementType(dtype);
    }

    /**
     * {@return this shape with another block size}
     *
     * @param tokens in one block
     */
    public CacheShape withTokensPerBlock(int tokens) {
        return new CacheShape(tokens, order, form, dtype);
    }

    /**
     * {@return this shape with another order}
     *
     * @param axes tokens or heads first
     */
    public CacheShape withOrder(KvOrder axes) {
        return new CacheShape(tokensPerBlock, axes, form, dtype);
    }

    /**
     * {@return this shape with another form}
     *
     * @param placement K and V apart or side by side
     */
    public CacheShape withForm(KvForm placement) {
        return new CacheShape(tokensPerBlock, order, placement, dtype);
    }

    /**
     * {@return the layout of a cache of this shape for a model}
     *
     * @param config the model's sizes
     */
    public KvLayout layout(LlamaConfig config) {
        return KvLayout.builder()
                .layers(config.layers())
                .kvHeads(config.kvHeads())
                .headDim(config.headDim())
                .tokensPerBlock(tokensPerBlock)
                .dtype(dtype)
                .order(order)
                .form(form)
                .build();
    }

    /** {@return the model's name for the element type} */
    ElementType elementType() {
        return elementType(dtype);
    }

    private static ElementType elementType(DType dtype) {
        return switch (dtype) {
            case FP32 -> ElementType.FP32;
            case FP16 -> ElementType.FP16;
            case BF16 -> ElementType.BF16;
            default ->
                    throw new IllegalArgumentException(
                            "the model computes on FP32, FP16 or BF16 caches, not on " + dtype);
        };
    }
}
