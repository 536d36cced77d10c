#!/usr/bin/env python3
"""Trains the small Llama that the harness ships, on CPU, from public-domain text.

The text is the King James text of Debian's `bible-kjv` package, read through its `bible` program.
Every 25th chapter is held out: neither the tokenizer nor the model sees it before the evaluation.

Output (in --out): model.safetensors (BF16), config.json (Hugging Face LlamaConfig keys),
tokenizer.json (Hugging Face tokenizers), loss-curve.csv, loss-curve.svg and training.json (the
figures that README.md quotes, measured on the exported BF16 weights).

The schedule follows wall-clock time (--minutes), so that a busy machine gives a slightly worse
model and not a late one; --steps makes it follow the step count instead, which is repeatable. A
checkpoint is written every --checkpoint-every steps; the same command run again goes on from there.
"""

import argparse
import csv
import json
import math
import os
import re
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn

BOS, EOS = "<s>", "</s>"
BOS_ID, EOS_ID = 0, 1
HELD_OUT_EVERY, HELD_OUT_OFFSET = 25, 12


# ---------------------------------------------------------------------------------------- text


def read_chapters():
    """All 1,189 chapters in order, each as a heading line and one line per verse."""
    # Pretty-printing names books in full; the wide column limit keeps one verse on one line.
    dump = subprocess.run(
        ["bible", "-l", "100000", "Gen1:1-Rev22:21"],
        check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    ).stdout
    chapters = []
    for line in dump.splitlines():
        verse = re.fullmatch(r" +\d+ (.*)", line)
        if verse:
            chapters[-1].append(verse.group(1).strip())
        elif line.strip():
            chapters.append([line.strip()])
    if len(chapters) != 1189:
        raise SystemExit(f"expected 1189 chapters from `bible`, got {len(chapters)}")
    return ["\n".join(lines) + "\n" for lines in chapters]


def split_chapters(chapters):
    held_out = [c for i, c in enumerate(chapters) if i % HELD_OUT_EVERY == HELD_OUT_OFFSET]
    training = [c for i, c in enumerate(chapters) if i % HELD_OUT_EVERY != HELD_OUT_OFFSET]
    return training, held_out


def train_tokenizer(texts, vocab_size):
    """Byte-level BPE: any text can be encoded; encoding puts <s> in front."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=[BOS, EOS],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, BOS_ID)]
    )
    assert tokenizer.token_to_id(BOS) == BOS_ID and tokenizer.token_to_id(EOS) == EOS_ID
    return tokenizer


# --------------------------------------------------------------------------------------- model


@dataclass(frozen=True)
class Config:
    vocab_size: int = 2048
    hidden_size: int = 256
    intermediate_size: int = 480
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 64
    max_position_embeddings: int = 1024
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0


class RmsNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


def rope_tables(config, length):
    exponents = torch.arange(0, config.head_dim, 2).float() / config.head_dim
    angles = torch.outer(torch.arange(length).float(), config.rope_theta**-exponents)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rope(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.q_proj = nn.Linear(c.hidden_size, c.num_attention_heads * c.head_dim, bias=False)
        self.k_proj = nn.Linear(c.hidden_size, c.num_key_value_heads * c.head_dim, bias=False)
        self.v_proj = nn.Linear(c.hidden_size, c.num_key_value_heads * c.head_dim, bias=False)
        self.o_proj = nn.Linear(c.num_attention_heads * c.head_dim, c.hidden_size, bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        heads = lambda y: y.view(batch, length, -1, self.c.head_dim).transpose(1, 2)
        q = rope(heads(self.q_proj(x)), cos, sin)
        k = rope(heads(self.k_proj(x)), cos, sin)
        groups = self.c.num_attention_heads // self.c.num_key_value_heads
        k = k.repeat_interleave(groups, dim=1)
        v = heads(self.v_proj(x)).repeat_interleave(groups, dim=1)
        y = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class Mlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.up_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.down_proj = nn.Linear(c.intermediate_size, c.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c, dropout):
        super().__init__()
        self.input_layernorm = RmsNorm(c.hidden_size, c.rms_norm_eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = RmsNorm(c.hidden_size, c.rms_norm_eps)
        self.mlp = Mlp(c)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, cos, sin):
        x = x + self.dropout(self.self_attn(self.input_layernorm(x), cos, sin))
        return x + self.dropout(self.mlp(self.post_attention_layernorm(x)))


class Body(nn.Module):
    def __init__(self, c, dropout):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c, dropout) for _ in range(c.num_hidden_layers))
        self.norm = RmsNorm(c.hidden_size, c.rms_norm_eps)


class Llama(nn.Module):
    """Parameter names are those of a Hugging Face Llama; the output matrix is the embedding."""

    def __init__(self, c, dropout=0.0):
        super().__init__()
        self.model = Body(c, dropout)
        cos, sin = rope_tables(c, c.max_position_embeddings)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # The two projections that write into the residual stream start smaller, by depth.
                residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                scale = (2 * c.num_hidden_layers) ** -0.5 if residual else 1.0
                nn.init.normal_(parameter, std=0.02 * scale)

    def forward(self, ids):
        x = self.model.embed_tokens(ids)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)


# ------------------------------------------------------------------------------------ training


def held_out_windows(documents, length):
    """Windows of at most `length` inputs, each starting with <s>; every target is scored once."""
    windows = []
    for ids in documents:
        targets = ids[1:]
        for start in range(0, len(targets), length):
            part = targets[start : start + length]
            windows.append(([BOS_ID] + part[:-1], part))
    return sorted(windows, key=lambda w: len(w[0]))


@torch.no_grad()
def evaluate(model, documents, length, autocast):
    """Mean loss per token (nats) and the number of tokens scored."""
    model.eval()
    total, count = 0.0, 0
    windows = held_out_windows(documents, length)
    rows = max(1, 8192 // length)
    for start in range(0, len(windows), rows):
        batch = windows[start : start + rows]
        width = max(len(inputs) for inputs, _ in batch)
        inputs = torch.tensor([i + [EOS_ID] * (width - len(i)) for i, _ in batch])
        targets = torch.tensor([t + [-100] * (width - len(t)) for _, t in batch])
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            logits = model(inputs)
        total += F.cross_entropy(
            logits.float().flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum"
        ).item()
        count += int((targets != -100).sum())
    model.train()
    return total / count, count


def sample_batch(stream, rows, length, generator):
    """Random windows; each begins with <s>, as a prompt cut out of running text does."""
    starts = torch.randint(0, len(stream) - length, (rows,), generator=generator).tolist()
    targets = torch.stack([stream[s : s + length] for s in starts])
    inputs = torch.cat((torch.full((rows, 1), BOS_ID), targets[:, :-1]), dim=1)
    # Nothing predicts <s>: it only ever comes from the tokenizer.
    return inputs, targets.masked_fill(targets == BOS_ID, -100)


def learning_rate(args, progress):
    if progress < args.warmup:
        return args.lr * (progress + 1e-3) / (args.warmup + 1e-3)
    return args.lr * 0.5 * (1 + math.cos(math.pi * (progress - args.warmup) / (1 - args.warmup)))


def save_atomically(value, path):
    torch.save(value, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def train(args, model, stream, held_out, curve_path):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=args.lr, betas=(0.9, 0.95), fused=True,
    )
    generator = torch.Generator().manual_seed(args.seed)
    state = {"step": 0, "seconds": 0.0, "tokens": 0, "curve": [], "best": math.inf}
    checkpoint = args.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=False)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        generator.set_state(saved["generator"])
        torch.set_rng_state(saved["dropout"])
        state = saved["state"]
        print(f"resuming at step {state['step']}, {state['seconds']:.0f} s", flush=True)
    began = time.monotonic() - state["seconds"]
    recent = []
    while True:
        state["seconds"] = time.monotonic() - began
        progress = (
            state["step"] / args.steps if args.steps else state["seconds"] / (args.minutes * 60)
        )
        done = progress >= 1
        length = args.short_length if progress < args.long_from else model.cos.shape[0]
        if done or (state["step"] % args.evaluate_every == 0 and recent):
            loss, _ = evaluate(model, held_out, length, autocast=True)
            average = sum(recent) / max(1, len(recent))
            row = [state["step"], round(state["seconds"]), state["tokens"], length,
                   round(average, 4), round(loss, 4), round(math.exp(loss), 3)]
            state["curve"].append(row)
            print("step %d  %d s  %d tokens  length %d  train %.4f  val %.4f  ppl %.2f"
                  % tuple(row), flush=True)
            write_curve(state["curve"], curve_path)
            recent = []
            # Only full-length evaluations compare with one another.
            if length == model.cos.shape[0] and loss < state["best"]:
                state["best"] = loss
                state["best_model"] = {k: v.clone() for k, v in model.state_dict().items()}
        if done or (state["step"] % args.checkpoint_every == 0 and state["step"] > 0):
            save_atomically(
                {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state,
                 "generator": generator.get_state(), "dropout": torch.get_rng_state()},
                checkpoint,
            )
        if done:
            break
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(args, progress)
        inputs, targets = sample_batch(stream, args.batch_tokens // length, length, generator)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(inputs)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=-100)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        recent.append(loss.item())
        state["step"] += 1
        state["tokens"] += inputs.numel()
    model.load_state_dict(state["best_model"])
    return state


# -------------------------------------------------------------------------------------- output


def write_curve(curve, path):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["step", "seconds", "tokens", "length", "train_loss", "val_loss", "val_perplexity"]
        )
        writer.writerows(curve)


def write_plot(curve, path):
    """Loss per token against step: training grey, held-out blue."""
    width, height, left, bottom = 640, 360, 48, 40
    steps = [row[0] for row in curve]
    losses = [row[column] for row in curve for column in (4, 5)]
    low, high = math.floor(min(losses)), math.ceil(max(losses))
    x = lambda step: left + (width - left - 16) * step / steps[-1]
    y = lambda loss: 16 + (height - 16 - bottom) * (high - loss) / (high - low)
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for level in range(low, high + 1):
        svg.append(f'<path d="M{left} {y(level):.1f}H{width - 16}" stroke="#ddd"/>')
        svg.append(f'<text x="{left - 8}" y="{y(level) + 4:.1f}" text-anchor="end">{level}</text>')
    for column, colour, name, at in ((4, "#999", "training", 360), (5, "#06c", "held out", 450)):
        points = " ".join(f"{x(row[0]):.1f},{y(row[column]):.1f}" for row in curve)
        svg.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        svg.append(f'<text x="{at}" y="32" fill="{colour}">{name}</text>')
    foot = f'y="{height - 10}"'
    svg.append(f'<text x="{left}" {foot}>step 0</text>')
    svg.append(f'<text x="{width - 16}" {foot} text-anchor="end">step {steps[-1]}</text>')
    svg.append(f'<text x="{width / 2}" {foot} text-anchor="middle">loss, nats per token</text>')
    svg.append("</svg>")
    path.write_text("\n".join(svg) + "\n")


def export(model, config, out):
    save_file(
        {k: v.to(torch.bfloat16).contiguous() for k, v in model.state_dict().items()},
        out / "model.safetensors", metadata={"format": "pt"},
    )
    keys = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        **asdict(config), "bos_token_id": BOS_ID, "eos_token_id": EOS_ID,
        "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False,
        "torch_dtype": "bfloat16",
    }
    (out / "config.json").write_text(json.dumps(keys, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the trained model")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--minutes", type=float, default=45, help="wall-clock time to train")
    parser.add_argument("--steps", type=int, help="train this many steps instead of --minutes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1611)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--warmup", type=float, default=0.02, help="share of the schedule")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--short-length", type=int, default=256, help="sequence length at first")
    parser.add_argument("--long-from", type=float, default=0.7,
                        help="share of the schedule after which sequences have full length")
    parser.add_argument("--evaluate-every", type=int, default=100)
    parser.add_argument("--checkpoint-every", type=int, default=100)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    args.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)

    config = Config()
    training, held_out = split_chapters(read_chapters())
    tokenizer = train_tokenizer(training, config.vocab_size)
    tokenizer.save(str(args.out / "tokenizer.json"))
    encode = lambda texts: [e.ids + [EOS_ID] for e in tokenizer.encode_batch(texts)]
    held_out_ids = encode(held_out)
    stream = torch.tensor([token for ids in encode(training) for token in ids])
    model = Llama(config, args.dropout)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{len(training)} + {len(held_out)} chapters, {len(stream)} training tokens, "
          f"{parameters} parameters", flush=True)

    state = train(args, model, stream, held_out_ids, args.out / "loss-curve.csv")
    write_plot(state["curve"], args.out / "loss-curve.svg")
    export(model, config, args.out)

    # What ships is measured, not what was trained: BF16 weights read back, FP32 arithmetic.
    exported = Llama(config)
    weights = load_file(args.out / "model.safetensors")
    exported.load_state_dict({k: v.float() for k, v in weights.items()})
    loss, tokens = evaluate(exported, held_out_ids, config.max_position_embeddings, autocast=False)
    size = sum(len(text.encode()) for text in held_out)
    figures = {
        "parameters": parameters, "training_tokens": len(stream), "held_out_tokens": tokens,
        "held_out_bytes": size, "steps": state["step"], "tokens_seen": state["tokens"],
        "training_seconds": round(state["seconds"]), "loss": round(loss, 4),
        "perplexity": round(math.exp(loss), 3),
        "bits_per_byte": round(loss * tokens / math.log(2) / size, 4),
    }
    (args.out / "training.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
