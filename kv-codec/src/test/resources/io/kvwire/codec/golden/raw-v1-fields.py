"""Writes raw-v1-fields.bin from docs/spec/kv-frame.md alone, without any code of kvwire.

The frame is fixed: readers of every later version must still read it, so the file is never made anew.
This script says what is in it, and refuses to overwrite it.

    python3 raw-v1-fields.py FILE
"""

import struct
import sys

TOKENS_PER_BLOCK = 4
FIRST_TOKEN, TOKENS = 5, 6
FIRST_HEAD, HEADS = 7, 2
DIM = 3


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def element(part, token, head, dim):
    return part << 15 | token << 9 | head << 4 | dim


def payload():
    """Order FUSED, HND: block, part, head, token, dim."""
    values = []
    for block in range(FIRST_TOKEN // TOKENS_PER_BLOCK, (FIRST_TOKEN + TOKENS - 1) // TOKENS_PER_BLOCK + 1):
        first = max(FIRST_TOKEN, block * TOKENS_PER_BLOCK)
        end = min(FIRST_TOKEN + TOKENS, (block + 1) * TOKENS_PER_BLOCK)
        for part in range(2):
            for head in range(FIRST_HEAD, FIRST_HEAD + HEADS):
                for token in range(first, end):
                    for dim in range(DIM):
                        values.append(element(part, token, head, dim))
    return struct.pack("<%dH" % len(values), *values)


def frame():
    codes = payload()
    crc = crc32c(codes)
    header = struct.pack(
        "<IBBHHBBBBBBBBHIIIIIHHHHQQIIIIQQIIIIIII",
        0x4643564B,  # magic
        1,  # major
        0,  # minor
        128,  # header bytes
        0b010111,  # flags: K, V, RoPE, passthrough
        1,  # source dtype FP16
        1,  # code dtype FP16
        0,  # scale dtype
        0,  # scheme raw
        0,  # rounding
        0,  # lossless codec
        0,  # plane transform
        1 | 1 << 4,  # HND, FUSED
        0,  # reserved
        0,  # group size
        37,  # layer
        FIRST_TOKEN,
        TOKENS,
        TOKENS_PER_BLOCK,
        FIRST_HEAD,
        HEADS,
        DIM,  # key dim
        DIM,  # value dim
        0x0102030405060708,  # transfer id
        0x1112131415161718,  # request id
        0x21222324,  # generation
        2,  # chunk
        9,  # chunks
        len(codes),  # raw bytes
        0x3132333435363738,  # model fingerprint, high
        0x4142434445464748,  # and low
        len(codes),  # wire bytes
        len(codes),  # code bytes
        0,  # scale bytes
        0,  # auxiliary bytes
        0,  # reserved
        crc,  # wire CRC
        crc,  # decoded CRC
    )
    assert len(header) == 124
    return header + struct.pack("<I", crc32c(header)) + codes


if __name__ == "__main__":
    assert crc32c(b"123456789") == 0xE3069283
    with open(sys.argv[1], "xb") as out:
        out.write(frame())
