#!/usr/bin/env python3
"""Makes the reference vectors that the harness's Java Llama is tested against.

A Llama written from the equations in plain PyTorch operations, FP32 throughout, whole sequence at
once, with no code shared with train.py or the harness. Rotary embedding follows the Hugging Face
"rotate half" convention: element i of a head pairs with element i + head_dim / 2.

    reference.py random  --out DIR                two small models with seeded random weights
    reference.py trained --out DIR --model DIR    the model that ships, on prompts and held-out text

README.md says what each file holds.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

COMMON = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
    "bos_token_id": 0, "eos_token_id": 1, "attention_bias": False, "mlp_bias": False,
    "max_position_embeddings": 64, "torch_dtype": "float32",
}
RANDOM_MODELS = {
    # Round sizes, grouped-query attention two to one, an output matrix of its own.
    "gqa": (
        {"vocab_size": 128, "hidden_size": 64, "intermediate_size": 80, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
         "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False}, 37),
    # No size a multiple of a vector register, head_dim other than hidden / heads, one KV head,
    # another theta and epsilon, the embedding used as output matrix.
    "odd-sizes": (
        {"vocab_size": 97, "hidden_size": 36, "intermediate_size": 50, "num_hidden_layers": 3,
         "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 20,
         "rms_norm_eps": 1e-6, "rope_theta": 500000.0, "tie_word_embeddings": True}, 21),
}
PROMPTS = [
    "In the beginning",
    "And it came to pass",
    "And the king said unto his servants, Go ye,",
    "The LORD is my shepherd; I shall not want.\nHe maketh me",
    "Then Jesus answered and said unto them,",
    "These are the names of the sons of",
    "Genesis 1\nIn the beginning God created the heaven and the earth.\nAnd the earth was without"
    " form, and void; and darkness was upon the face of the deep.",
]
GREEDY_TOKENS = 32


def random_weights(c, seed):
    """Larger than a model would start with, so that attention is sharp and errors show."""
    generator = torch.Generator().manual_seed(seed)
    matrix = lambda rows, columns: torch.randn(rows, columns, generator=generator) / columns**0.5
    norm = lambda: 1 + 0.2 * torch.randn(c["hidden_size"], generator=generator)
    hidden, inner = c["hidden_size"], c["intermediate_size"]
    q_size = c["num_attention_heads"] * c["head_dim"]
    kv_size = c["num_key_value_heads"] * c["head_dim"]
    w = {"model.embed_tokens.weight": torch.randn(c["vocab_size"], hidden, generator=generator)}
    for n in range(c["num_hidden_layers"]):
        at = f"model.layers.{n}."
        w[at + "input_layernorm.weight"] = norm()
        w[at + "self_attn.q_proj.weight"] = 1.5 * matrix(q_size, hidden)
        w[at + "self_attn.k_proj.weight"] = 1.5 * matrix(kv_size, hidden)
        w[at + "self_attn.v_proj.weight"] = matrix(kv_size, hidden)
        w[at + "self_attn.o_proj.weight"] = matrix(hidden, q_size)
        w[at + "post_attention_layernorm.weight"] = norm()
        w[at + "mlp.gate_proj.weight"] = matrix(inner, hidden)
        w[at + "mlp.up_proj.weight"] = matrix(inner, hidden)
        w[at + "mlp.down_proj.weight"] = matrix(hidden, inner)
    w["model.norm.weight"] = norm()
    if not c["tie_word_embeddings"]:
        w["lm_head.weight"] = 2 * matrix(c["vocab_size"], hidden)
    return w


def rms_norm(x, weight, eps):
    return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + eps) * weight


def rotate(x, positions, theta):
    """x is [token, head, head_dim]."""
    half = x.shape[-1] // 2
    frequencies = theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = (positions.double()[:, None] * frequencies)[:, None, :]
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


@torch.no_grad()
def forward(w, c, ids):
    """Logits [token, vocab] and, per layer, (key, value) [token, kv_head, head_dim].

    Keys are as cached: after the rotary embedding.
    """
    length = len(ids)
    head_dim, kv_heads = c["head_dim"], c["num_key_value_heads"]
    group = c["num_attention_heads"] // kv_heads
    positions = torch.arange(length)
    hidden_future = positions[None, :] > positions[:, None]
    x = w["model.embed_tokens.weight"][torch.as_tensor(ids)]
    cache = []
    for n in range(c["num_hidden_layers"]):
        p = {k.split(f"layers.{n}.")[1]: v for k, v in w.items() if f".layers.{n}." in k}
        y = rms_norm(x, p["input_layernorm.weight"], c["rms_norm_eps"])
        q = (y @ p["self_attn.q_proj.weight"].T).view(length, -1, head_dim)
        k = (y @ p["self_attn.k_proj.weight"].T).view(length, -1, head_dim)
        v = (y @ p["self_attn.v_proj.weight"].T).view(length, -1, head_dim)
        q, k = rotate(q, positions, c["rope_theta"]), rotate(k, positions, c["rope_theta"])
        cache.append((k, v))
        heads = []
        for h in range(c["num_attention_heads"]):
            scores = q[:, h] @ k[:, h // group].T / math.sqrt(head_dim)
            scores = scores.masked_fill(hidden_future, -math.inf)
            heads.append(torch.softmax(scores, dim=-1) @ v[:, h // group])
        x = x + torch.cat(heads, dim=-1) @ p["self_attn.o_proj.weight"].T
        y = rms_norm(x, p["post_attention_layernorm.weight"], c["rms_norm_eps"])
        gate = y @ p["mlp.gate_proj.weight"].T
        up = y @ p["mlp.up_proj.weight"].T
        x = x + (gate * torch.sigmoid(gate) * up) @ p["mlp.down_proj.weight"].T
    x = rms_norm(x, w["model.norm.weight"], c["rms_norm_eps"])
    return x @ w.get("lm_head.weight", w["model.embed_tokens.weight"]).T, cache


def doubled(w):
    return {name: value.double() for name, value in w.items()}


def write_random(out):
    for seed, (name, (sizes, length)) in enumerate(RANDOM_MODELS.items()):
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        c = COMMON | sizes
        w = random_weights(c, seed)
        generator = torch.Generator().manual_seed(100 + seed)
        ids = torch.randint(0, c["vocab_size"], (length,), generator=generator)
        logits, cache = forward(w, c, ids)
        exact, _ = forward(doubled(w), c, ids)
        expected = {"token_ids": ids.to(torch.int32), "logits": logits}
        for n, (key, value) in enumerate(cache):
            expected[f"layers.{n}.key"] = key
            expected[f"layers.{n}.value"] = value
        save_file(w, folder / "model.safetensors", metadata={"format": "pt"})
        save_file({k: v.contiguous() for k, v in expected.items()}, folder / "expected.safetensors")
        (folder / "config.json").write_text(json.dumps(c, indent=2) + "\n")
        print(f"{name}: logits within {logits.min():.2f} .. {logits.max():.2f}, "
              f"FP32 off FP64 by at most {(logits - exact).abs().max():.1e}")


def greedy(w, c, ids):
    """The continuation, the logits after the prompt, and the smallest lead of a chosen token."""
    ids, first, lead = list(ids), None, math.inf
    start = len(ids)
    while len(ids) < start + GREEDY_TOKENS:
        logits = forward(w, c, ids)[0][-1]
        first = logits if first is None else first
        best = torch.topk(logits, 2).values
        lead = min(lead, (best[0] - best[1]).item())
        ids.append(int(logits.argmax()))
        if ids[-1] == c["eos_token_id"]:
            break
    return ids[start:], first, lead


def slice_loss(w, c, ids):
    """Mean loss over ids[1:], in windows of at most the context length, each from its own <s>."""
    window, total, targets = c["max_position_embeddings"], 0.0, ids[1:]
    for start in range(0, len(targets), window):
        part = targets[start : start + window]
        logits, _ = forward(w, c, [c["bos_token_id"]] + part[:-1])
        log_likelihood = torch.log_softmax(logits.double(), dim=-1)
        total -= log_likelihood[torch.arange(len(part)), torch.tensor(part)].sum().item()
    return total / len(targets)


def write_trained(out, model):
    c = json.loads((model / "config.json").read_text())
    w = {k: v.float() for k, v in load_file(model / "model.safetensors").items()}
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    cases, tensors = [], {}
    for n, text in enumerate(PROMPTS):
        ids = tokenizer.encode(text).ids
        continuation, last, lead = greedy(w, c, ids)
        tensors[f"prompts.{n}.last_logits"] = last
        cases.append({
            "text": text, "tokenIds": ids, "greedyTokenIds": continuation,
            "greedyText": tokenizer.decode(continuation), "smallestLead": round(lead, 4),
        })
        print(f"{text!r} ->{cases[-1]['greedyText']!r} (lead >= {lead:.3f})")
    text = (out / "held-out.txt").read_text()
    ids = tokenizer.encode(text).ids
    loss = slice_loss(w, c, ids)
    held_out = {
        "file": "held-out.txt", "tokenIds": ids, "windowTokens": c["max_position_embeddings"],
        "lossNats": round(loss, 6), "perplexity": round(math.exp(loss), 4),
    }
    save_file(tensors, out / "expected.safetensors")
    lines = ",\n  ".join(json.dumps(case, ensure_ascii=False) for case in cases)
    document = f'{{"prompts": [\n  {lines}\n ],\n "heldOut": {json.dumps(held_out)}\n}}'
    (out / "expected.json").write_text(document + "\n")
    print(json.dumps({k: v for k, v in held_out.items() if k != "tokenIds"}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["random", "trained"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="folder of the trained model")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # one order of summation, so that a rerun gives the same bits
    if args.kind == "random":
        write_random(args.out)
    elif args.model is None:
        parser.error("trained needs --model DIR")
    else:
        write_trained(args.out, args.model)


if __name__ == "__main__":
    main()
