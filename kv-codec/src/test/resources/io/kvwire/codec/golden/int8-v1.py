"""Writes the golden frames of scheme 1 from docs/spec/kv-frame.md alone, without any code of kvwire.

For each source dtype three files: int8-v1-DTYPE.source, the elements in the order of the frame;
int8-v1-DTYPE.frame, what they are encoded to; int8-v1-DTYPE.decoded, what that is decoded to.

The files are fixed: readers of every later version must still read them, so they are never made anew.
This script says what is in them, and refuses to overwrite them.

    python3 int8-v1.py FOLDER
"""

import math
import os
import struct
import sys
from fractions import Fraction

FP32, FP16, BF16 = 0, 1, 2
NAMES = {FP32: "fp32", FP16: "fp16", BF16: "bf16"}
BYTES = {FP32: 4, FP16: 2, BF16: 2}
SPLIT, FUSED = 0, 1
NHD, HND = 0, 1


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def rounded(value, digits, least_exponent):
    """An exact number, rounded to so many binary digits, ties to even; subnormal below 2^least_exponent."""
    if value == 0:
        return Fraction(0)
    exponent = max(math.floor(math.log2(abs(float(value)))) if abs(value) >= Fraction(1, 2**1000) else -1000, least_exponent)
    while abs(value) >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while abs(value) < Fraction(2) ** exponent and exponent > least_exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - digits + 1)
    return round(value / unit) * unit  # Fraction rounds ties to even


def binary32(value):
    return rounded(value, 24, -126)


def narrowed(value, dtype):
    """The bits of an exact number rounded to binary32, then to the dtype."""
    value = binary32(value)
    if dtype == FP32:
        return struct.unpack("<I", struct.pack("<f", float(value)))[0]
    if dtype == FP16:
        return struct.unpack("<H", struct.pack("<e", float(rounded(value, 11, -14))))[0]
    return struct.unpack("<I", struct.pack("<f", float(rounded(value, 8, -126))))[0] >> 16


def widened(bits, dtype):
    """The exact value of an element, or None when it is not finite."""
    if dtype == FP16:
        number = struct.unpack("<e", struct.pack("<H", bits))[0]
    else:
        number = struct.unpack("<f", struct.pack("<I", bits << 16 if dtype == BF16 else bits))[0]
    return Fraction(number) if math.isfinite(number) else None


class Random:
    """A linear congruential generator (the constants are Knuth's MMIX ones)."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound


def ordinary(random, dtype):
    """Any sign and fraction, magnitudes over several binary orders."""
    sign = random.below(2)
    if dtype == FP16:
        return sign << 15 | (10 + random.below(9)) << 10 | random.below(1 << 10)
    exponent = 120 + random.below(9)
    if dtype == BF16:
        return sign << 15 | exponent << 7 | random.below(1 << 7)
    return sign << 31 | exponent << 23 | random.below(1 << 23)


def row_of(number, dim, dtype, random):
    """The bits of one row; the first numbers are the edges."""
    def bits(value):
        return narrowed(Fraction(value), dtype)

    wide = {FP32: 16, FP16: 0, BF16: 0}[dtype]
    row = [ordinary(random, dtype) for _ in range(dim)]
    negative = 0x8000 << wide
    infinity = {FP32: 0x7F800000, FP16: 0x7C00, BF16: 0x7F80}[dtype]
    if number == 0:  # zeros of both signs
        row = [negative if i % 3 == 1 else 0 for i in range(dim)]
    elif number == 1:  # a NaN with a payload, in the last element
        row[-1] = negative | infinity | 0x11
    elif number == 2:  # an infinity, in the first element
        row[0] = infinity
    elif number == 3:  # scale 1: every tie between codes
        row = [bits(Fraction(i - dim // 2) + Fraction(1, 2)) for i in range(dim)]
        row[dim // 2] = bits(-127)
    elif number == 4:  # subnormal numbers alone
        row = [(negative if i % 2 else 0) | (i * 5 % 97) for i in range(dim)]
    elif number == 5:  # the largest magnitude that has a scale, alone in its row, negative
        row = [0] * dim
        row[1] = negative | ((0x7EFF << 16 | 0xFFFF) if dtype == FP32 else 0x7BFF if dtype == FP16 else 0x7EFF)
    elif number == 6 and dtype != FP16:  # the least magnitude that has none
        row[dim // 2] = 0x7F00 << wide
    elif number == 7:  # an outlier a thousand times as large as the rest
        row[2] = bits(1000)
    elif number == 8:  # a scale just above the least one
        row = [bits(Fraction(i % 9 - 4) * Fraction(1, 2**(120 if dtype != FP16 else 20))) for i in range(dim)]
    return row


def quantised(row, dtype):
    """Scale and codes, or None when the row has no scale."""
    values = [widened(bits, dtype) for bits in row]
    if any(v is None or abs(v) >= 2**127 for v in values):
        return None
    scale = max(binary32(max(abs(v) for v in values) / 127), Fraction(1, 2**126))
    return scale, [round(binary32(v / scale)) for v in values]


def case(dtype):
    """Layout and place of the slab of each dtype's frame: distinct values in every field."""
    if dtype == BF16:
        return dict(dim=128, heads=2, first_head=3, tokens_per_block=4, first_token=6, tokens=7, order=NHD, form=SPLIT)
    if dtype == FP16:
        return dict(dim=64, heads=3, first_head=1, tokens_per_block=5, first_token=3, tokens=8, order=HND, form=FUSED)
    return dict(dim=37, heads=1, first_head=0, tokens_per_block=16, first_token=0, tokens=11, order=HND, form=SPLIT)


def frame(dtype):
    shape = case(dtype)
    dim, heads, tokens = shape["dim"], shape["heads"], shape["tokens"]
    random = Random(20261121 + dtype)
    element = {2: "<%dH", 4: "<%dI"}[BYTES[dtype]] % dim
    source, decoded, codes, scales, rest = b"", b"", b"", b"", b""
    for number in range(2 * heads * tokens):
        row = row_of(number, dim, dtype, random)
        bits = struct.pack(element, *row)
        source += bits
        result = quantised(row, dtype)
        if result is None:
            codes += bits[:dim]
            rest += bits[dim:]
            scales += struct.pack("<I", 0)
            decoded += bits
        else:
            scale, q = result
            assert all(-127 <= code <= 127 for code in q)
            codes += struct.pack("<%db" % dim, *q)
            scales += struct.pack("<f", float(scale))
            decoded += struct.pack(element, *(narrowed(code * scale, dtype) for code in q))

    def padded(section):
        return section + bytes(-len(section) % 64)

    assert rest
    wire = padded(padded(codes) + scales) + rest
    header = struct.pack(
        "<IBBHHBBBBBBBBBBIIIIIHHHHQQIIIIQQIIIIHHII",
        0x4643564B,  # magic
        1,  # major
        1,  # minor
        128,  # header bytes
        0b1001111,  # flags: K, V, RoPE, last, unscaled rows
        dtype,  # source
        5,  # codes INT8
        0,  # scales FP32
        1,  # scheme int8 symmetric
        1,  # rounding to nearest, ties to even
        0,  # lossless codec
        0,  # plane transform
        shape["order"] | shape["form"] << 4,
        0,  # keys by token
        0,  # values by token
        dim,  # group size
        5,  # layer
        shape["first_token"],
        tokens,
        shape["tokens_per_block"],
        shape["first_head"],
        heads,
        dim,  # key dim
        dim,  # value dim
        0x0102030405060708,  # transfer id
        0x1112131415161718,  # request id
        0x21222324,  # generation
        4,  # chunk
        5,  # chunks
        len(source),  # raw bytes
        0x3132333435363738,  # model fingerprint, high
        0x4142434445464748,  # and low
        len(wire),
        len(codes),
        len(scales),
        len(rest),
        0,  # outlier channels
        0,  # reserved
        crc32c(wire),
        crc32c(codes),
    )
    assert len(header) == 124
    return source, header + struct.pack("<I", crc32c(header)) + wire, decoded


def write(folder, name, data):
    with open(os.path.join(folder, name), "xb") as out:
        out.write(data)


if __name__ == "__main__":
    assert crc32c(b"123456789") == 0xE3069283
    for dtype, name in NAMES.items():
        for kind, data in zip(("source", "frame", "decoded"), frame(dtype)):
            write(sys.argv[1], "int8-v1-%s.%s" % (name, kind), data)
