"""Writes golden frames of every option of INT8, of the lossless codec and of what passes through, from
docs/spec/kv-frame.md alone, without any code of kvwire.

For each case three files: options-v1-CASE.source, the elements in the order of the frame; options-v1-CASE.frame, what
they are encoded to; options-v1-CASE.decoded, what that is decoded to. LZ4 blocks may be made in many ways, so a writer
need not make those frames; every reader must read them.

The files are fixed: readers of every later version must still read them, so they are never made anew.
This script says what is in them, and refuses to overwrite them.

    python3 options-v1.py FOLDER
"""

import importlib.util
import os
import struct
import sys
from fractions import Fraction

_path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "int8-v1.py")
_spec = importlib.util.spec_from_file_location("int8_v1", _path)
basics = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(basics)

FP32, FP16, BF16, E4M3, E5M2, INT8 = range(6)
WIDTH = {FP32: 4, FP16: 2, BF16: 2, E4M3: 1, E5M2: 1, INT8: 1}
SPLIT, FUSED, LATENT = 0, 1, 2
NHD, HND = 0, 1
TOKEN, RAW, CHANNEL, HADAMARD, OUTLIERS = range(5)
RAW_SCHEME, SYMMETRIC, ASYMMETRIC = 0, 1, 2
INFINITE = Fraction(2) ** 128
LIMIT = Fraction(2) ** 127
binary32 = basics.binary32


def case(dtype=BF16, dim=40, heads=2, first_head=1, block=4, first=6, tokens=5, order=NHD, form=SPLIT, layer=5,
         scheme=SYMMETRIC, keys=TOKEN, values=TOKEN, halves=False, outliers=0, lz4=False, repeats=False, planes=False):
    return dict(locals())


CASES = {
    "scales-fp16": case(halves=True),
    "scales-fp16-of-fp16": case(halves=True, dtype=FP16, order=HND),
    "asymmetric": case(scheme=ASYMMETRIC, dtype=FP16, form=FUSED),
    "keys-channel": case(keys=CHANNEL, order=HND),
    "keys-channel-scales-fp16": case(keys=CHANNEL, halves=True, dtype=FP32, dim=19, form=FUSED),
    "keys-raw": case(keys=RAW, form=FUSED, order=HND),
    "values-raw": case(values=RAW, dtype=FP32, dim=17),
    "keys-outliers": case(keys=OUTLIERS, outliers=3),
    "keys-outliers-asymmetric": case(keys=OUTLIERS, outliers=2, scheme=ASYMMETRIC, values=HADAMARD, dtype=FP32, dim=24),
    "hadamard": case(keys=HADAMARD, values=HADAMARD, dim=48),
    "hadamard-fp16": case(keys=HADAMARD, values=TOKEN, dim=64, dtype=FP16, heads=1, first_head=2, halves=True),
    "latent": case(form=LATENT, heads=1, first_head=0, keys=HADAMARD, dim=36, tokens=9),
    "skip": case(scheme=RAW_SCHEME),
    "fp8-e4m3": case(scheme=RAW_SCHEME, dtype=E4M3, dim=21),
    "fp8-e5m2": case(scheme=RAW_SCHEME, dtype=E5M2, dim=21, form=FUSED),
    "int8": case(scheme=RAW_SCHEME, dtype=INT8, dim=21, order=HND),
    "raw-lz4-bf16": case(scheme=RAW_SCHEME, lz4=True, planes=True),
    "raw-lz4-fp32": case(scheme=RAW_SCHEME, lz4=True, planes=True, dtype=FP32, dim=12, order=HND, form=FUSED),
    "raw-lz4-int8": case(scheme=RAW_SCHEME, lz4=True, dtype=INT8, repeats=True),
    "int8-lz4": case(lz4=True, repeats=True),
    "int8-lz4-asymmetric": case(lz4=True, repeats=True, scheme=ASYMMETRIC, keys=OUTLIERS, outliers=2),
}


def rows(c):
    """(part, head) of each row, in the order of the frame."""
    def blocks():
        for b in range(c["first"] // c["block"], (c["first"] + c["tokens"] - 1) // c["block"] + 1):
            yield range(max(c["first"], b * c["block"]), min(c["first"] + c["tokens"], (b + 1) * c["block"]))

    def body(part, tokens):
        if c["order"] == NHD:
            return [(part, head) for _ in tokens for head in range(c["heads"])]
        return [(part, head) for head in range(c["heads"]) for _ in tokens]

    parts = (0,) if c["form"] == LATENT else (0, 1)
    if c["form"] == FUSED:
        return [row for tokens in blocks() for part in parts for row in body(part, tokens)]
    return [row for part in parts for tokens in blocks() for row in body(part, tokens)]


def elements(c, number, part, random):
    """The bits of one row: edges first, ordinary ones for the rest."""
    dtype, dim = c["dtype"], c["dim"]
    if WIDTH[dtype] == 1:
        return [(i * 7 % 11) if c["repeats"] else random.below(256) for i in range(dim)]
    if c["repeats"]:
        return basics.row_of(1 if number == 3 else 100, dim, dtype, basics.Random(number % 2))
    edges = number if c["form"] == LATENT or part == 1 or c["keys"] != CHANNEL else 100
    if part == 1 and edges > 8:
        edges -= len(rows(c)) // 2
    row = basics.row_of(edges, dim, dtype, random)
    if part == 0 and c["keys"] in (CHANNEL, OUTLIERS, HADAMARD) and edges > 8:
        # Two channels far from the rest, one of them always zero where the coding is by channel.
        row[3] = basics.narrowed(Fraction(300 + number), dtype)
        row[dim - 2] = 0 if c["keys"] == CHANNEL else basics.narrowed(Fraction(-200), dtype)
    return row


def packed(dtype, bits):
    return struct.pack("<%d%s" % (len(bits), {1: "B", 2: "H", 4: "I"}[WIDTH[dtype]]), *bits)


def stored(value, dtype):
    """As narrowed, but with the sign of what is rounded to zero, and never infinite in FP16."""
    if dtype == FP16:
        value = min(max(value, Fraction(-65504)), Fraction(65504))
    bits = basics.narrowed(value, dtype)
    return bits | (1 << 8 * WIDTH[dtype] - 1 if value < 0 else 0)


def half_above(scale):
    """The least FP16 number that is not below a scale, or None above all of them."""
    low, high = 1, 0x7C00  # as bits, which are in the order of the numbers
    while low < high:
        middle = (low + high) // 2
        if Fraction(struct.unpack("<e", struct.pack("<H", middle))[0]) >= scale:
            high = middle
        else:
            low = middle + 1
    return None if low == 0x7C00 else Fraction(struct.unpack("<e", struct.pack("<H", low))[0])


def scale_of(largest, c):
    scale = max(binary32(largest / 127), Fraction(1, 2**126))
    return half_above(scale) if c["halves"] else scale


def exponent(dim):
    return (dim & -dim).bit_length() - 1


def transformed(values, factor):
    """The additions of the rotation, or None where one of them overflows."""
    values = list(values)
    h = 1
    while h < 2 ** exponent(len(values)):
        for j in range(len(values)):
            if j & h == 0:
                left, right = values[j], values[j + h]
                values[j], values[j + h] = binary32(left + right), binary32(left - right)
        if any(abs(v) >= INFINITE for v in values):
            return None
        h *= 2
    return [binary32(v * factor) for v in values]


def quantised(values, coding, c):
    """Scale, offset and codes of a row, or None when it has no scale."""
    if any(v is None for v in values):
        return None
    limit = LIMIT
    if coding == HADAMARD:
        k = exponent(len(values))
        values = transformed(values, Fraction(1, 2 ** ((k + 1) // 2)))
        limit = Fraction(2) ** (127 - k)
    if values is None or any(abs(v) >= limit for v in values):
        return None
    if c["scheme"] == ASYMMETRIC:
        high, low = binary32(max(values) / 2), binary32(min(values) / 2)
        offset = binary32(high + low)
        scale = max(binary32(binary32(high - low) / 127), Fraction(1, 2**126))
        codes = [round(binary32(binary32(v - offset) / scale)) for v in values]
        return scale, offset, [min(max(code, -127), 127) for code in codes]
    scale = scale_of(max(abs(v) for v in values), c)
    if scale is None:
        return None
    return scale, Fraction(0), [round(binary32(v / scale)) for v in values]


def restored(result, coding, c):
    """The exact elements before they are stored."""
    scale, offset, codes = result
    values = [binary32(code * scale + offset) for code in codes]
    if coding == HADAMARD:
        values = transformed(values, Fraction(1, 2 ** (exponent(len(values)) // 2)))
    return values


def magnitude(bits, dtype):
    return bits & (1 << 8 * WIDTH[dtype] - 1) - 1


def channels(c, source):
    """The largest magnitude of each head and channel of the keys, as bits, which are in its order."""
    largest = [[0] * c["dim"] for _ in range(c["heads"])]
    for (part, head), row in source:
        if part == 0:
            for i, bits in enumerate(row):
                largest[head][i] = max(largest[head][i], magnitude(bits, c["dtype"]))
    return largest


def lz4_block(data):
    """A plain greedy writer of the LZ4 block format."""
    def length(out, value):
        while value >= 255:
            out.append(255)
            value -= 255
        out.append(value)

    out, seen, start, at = bytearray(), {}, 0, 0
    while at + 12 <= len(data):  # the last match starts at least 12 bytes before the end
        key = data[at:at + 4]
        before = seen.get(key, -1)
        seen[key] = at
        if before < 0 or at - before > 0xFFFF:
            at += 1
            continue
        matched = 4
        while at + matched < len(data) - 5 and data[before + matched] == data[at + matched]:
            matched += 1
        literals = data[start:at]
        out.append(min(len(literals), 15) << 4 | min(matched - 4, 15))
        if len(literals) >= 15:
            length(out, len(literals) - 15)
        out += literals + struct.pack("<H", at - before)
        if matched - 4 >= 15:
            length(out, matched - 4 - 15)
        at += matched
        start = at
    literals = data[start:]
    out.append(min(len(literals), 15) << 4)
    if len(literals) >= 15:
        length(out, len(literals) - 15)
    return bytes(out + literals)


def sections(c, source):
    """Codes, scales, auxiliary section and decoded elements of a frame of scheme 1 or 2."""
    dtype, dim = c["dtype"], c["dim"]
    codes, scales, offsets, rest, kept, decoded = b"", b"", b"", b"", b"", b""
    numbers = [[] for _ in range(c["heads"])]

    def scale_bits(scale):
        return struct.pack("<e" if c["halves"] else "<f", float(scale))

    by_channel = []
    if c["keys"] in (CHANNEL, OUTLIERS):
        for head, largest in enumerate(channels(c, source)):
            if c["keys"] == CHANNEL:
                by_channel.append([scale_of(basics.widened(bits, dtype), c) for bits in largest])
                scales += b"".join(scale_bits(scale) for scale in by_channel[head])
            else:
                by_size = sorted(range(dim), key=lambda i: (-largest[i], i))
                numbers[head] = sorted(by_size[:c["outliers"]])
    for (part, head), row in source:
        coding = c["values"] if part == 1 else c["keys"]
        bits = packed(dtype, row)
        if coding == RAW:
            codes += bits
            decoded += bits
            continue
        values = [basics.widened(x, dtype) for x in row]
        if coding == CHANNEL:
            of_head = by_channel[head]
            q = [round(binary32(v / scale)) for v, scale in zip(values, of_head)]
            codes += struct.pack("<%db" % dim, *q)
            decoded += packed(dtype, [stored(binary32(code * scale), dtype) for code, scale in zip(q, of_head)])
            continue
        aside = numbers[head] if coding == OUTLIERS else []
        kept += packed(dtype, [row[i] for i in aside])
        result = quantised([Fraction(0) if i in aside else v for i, v in enumerate(values)], coding, c)
        if result is None:
            codes += bits[:dim]
            rest += bits[dim:]
            scales += scale_bits(0)
            offsets += struct.pack("<f", 0)
            decoded += bits
            continue
        codes += struct.pack("<%db" % dim, *result[2])
        scales += scale_bits(result[0])
        offsets += struct.pack("<f", float(result[1]))
        back = [stored(v, dtype) for v in restored(result, coding, c)]
        for i in aside:
            back[i] = row[i]
        decoded += packed(dtype, back)
    if c["scheme"] == ASYMMETRIC:
        scales += offsets
    outliers = b"".join(struct.pack("<%dH" % len(n), *n) for n in numbers)
    return codes, scales, outliers + kept + rest, bool(rest), decoded


def frame(c):
    random = basics.Random(20261122 + c["dtype"] + 10 * c["scheme"] + 100 * c["keys"] + 1000 * c["dim"])
    order = rows(c)
    source = [(place, elements(c, number, place[0], random)) for number, place in enumerate(order)]
    elements_bytes = b"".join(packed(c["dtype"], row) for _, row in source)
    raw = c["scheme"] == RAW_SCHEME
    if raw:
        codes, scales, auxiliary, unscaled, decoded = elements_bytes, b"", b"", False, elements_bytes
    else:
        codes, scales, auxiliary, unscaled, decoded = sections(c, source)
    plain_crc = basics.crc32c(codes)
    if c["lz4"]:
        width = WIDTH[c["dtype"]] if c["planes"] else 1
        block = lz4_block(b"".join(codes[i::width] for i in range(width)))
        assert len(block) < len(codes) - len(codes) // 64, (len(block), len(codes))
        codes = block
    wire = codes
    for section in (scales, auxiliary):
        if section:
            wire += bytes(-len(wire) % 64) + section
    latent = c["form"] == LATENT
    header = struct.pack(
        "<IBBHHBBBBBBBBBBIIIIIHHHHQQIIIIQQIIIIHHII",
        0x4643564B,  # magic
        1,  # major
        0 if raw and not c["lz4"] else 1,  # minor
        128,  # header bytes
        1 | (0 if latent else 2) | 4 | 8 | (16 if raw else 0) | (32 if c["lz4"] else 0) | (64 if unscaled else 0),
        c["dtype"],
        c["dtype"] if raw else INT8,  # dtype of the codes
        0 if raw else FP16 if c["halves"] else FP32,  # dtype of the scales
        c["scheme"],
        0 if raw else 1,  # rounding
        1 if c["lz4"] else 0,  # lossless codec
        1 if c["planes"] else 0,  # plane transform
        c["order"] | c["form"] << 4,
        0 if raw else c["keys"],
        0 if raw or latent else c["values"],
        0 if raw else c["dim"],  # group size
        c["layer"],
        c["first"],
        c["tokens"],
        c["block"],
        c["first_head"],
        c["heads"],
        c["dim"],  # key dim
        0 if latent else c["dim"],  # value dim
        0x0102030405060708,  # transfer id
        0x1112131415161718,  # request id
        0x21222324,  # generation
        4,  # chunk
        5,  # chunks
        len(elements_bytes),  # raw bytes
        0x3132333435363738,  # model fingerprint, high
        0x4142434445464748,  # and low
        len(wire),
        len(codes),
        len(scales),
        len(auxiliary),
        c["outliers"],
        0,  # reserved
        basics.crc32c(wire),
        plain_crc,
    )
    assert len(header) == 124
    return elements_bytes, header + struct.pack("<I", basics.crc32c(header)) + wire, decoded


if __name__ == "__main__":
    for name, described in CASES.items():
        for kind, data in zip(("source", "frame", "decoded"), frame(described)):
            basics.write(sys.argv[1], "options-v1-%s.%s" % (name, kind), data)
