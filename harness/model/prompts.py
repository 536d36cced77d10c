#!/usr/bin/env python3
"""Cuts prompts and a held-out slice from the chapters that train.py keeps from the model.

One prompt per held-out chapter, from 8 to 900 tokens (<s> counted) in a geometric series, the
longest from the longest chapter. A prompt starts at a verse (those of 100 tokens and more at the
chapter's heading) and ends between two words, so that the natural continuation starts with a space
or a line break. The slice is one long held-out chapter, whole.
"""

import argparse
import json
import random
import re
from pathlib import Path

from tokenizers import Tokenizer

from train import read_chapters, split_chapters

SHORTEST, LONGEST = 8, 900
# The longest held-out chapter that is told nowhere else in nearly the same words (1 Kings 22 is).
SLICE = "Mark 6"


def cut(text, tokens, tokenizer):
    """The most words of `text` that encode to at most `tokens` tokens."""
    ends = [match.end() for match in re.finditer(r"\S+", text)]
    low, high = 1, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        fits = len(tokenizer.encode(text[: ends[middle - 1]]).ids) <= tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[: ends[low - 1]]


def make_prompts(chapters, tokenizer):
    pick = random.Random(1611)
    chapters = sorted(chapters, key=len)
    prompts = []
    for n, chapter in enumerate(chapters):
        tokens = round(SHORTEST * (LONGEST / SHORTEST) ** (n / (len(chapters) - 1)))
        heading, *verses = chapter.splitlines()
        if tokens >= 100:
            text = chapter
        else:
            text = "\n".join(verses[pick.randrange(max(1, len(verses) // 2)) :])
        text = cut(text, tokens, tokenizer)
        count = len(tokenizer.encode(text).ids)
        prompts.append({"id": n, "source": heading, "tokens": count, "text": text})
    return prompts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with tokenizer.json")
    parser.add_argument("--slice", type=Path, required=True, help="file for the held-out slice")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    _, held_out = split_chapters(read_chapters())
    with open(args.model / "prompts.jsonl", "w") as file:
        for prompt in make_prompts(held_out, tokenizer):
            file.write(json.dumps(prompt) + "\n")
    args.slice.parent.mkdir(parents=True, exist_ok=True)
    args.slice.write_text(next(text for text in held_out if text.startswith(SLICE + "\n")))


if __name__ == "__main__":
    main()
