#!/usr/bin/env python3
"""Measures kvwire between two processes of this host beside its baselines, in rounds that take turns.

    benchmarks/shm.py [--rounds N] [--seconds S] [--out FOLDER] [--name NAME]

WRITE over the path pcie, 256 MiB at each end, caches in shared memory unless it says private. Baselines: one thread
that copies between two memfd mappings with memcpy (C), UCX over its shared-memory transports (ucx_perftest, Debian's
ucx-utils) on as much memory, two C processes that pass 64 bytes through shared memory and spin. A figure is the median
of its rounds, with the lowest and the highest; a ratio is the median of the ratios of the rounds. Writes NAME.json and
NAME.md.
"""
import json
import re
import subprocess

import tcp
from tcp import C, FOOTPRINT, MIB, PORT, Server, run

TARGETS = [
    ("1 MiB blocks, 1 lane, against memcpy", "kvwire 1 MiB, 1 lane", "C memcpy 1 MiB", "GB/s", ">=", 0.9),
    ("1 MiB blocks, 2 lanes, against memcpy", "kvwire 1 MiB, 2 lanes", "C memcpy 1 MiB", "GB/s", ">=", 0.9),
    ("4 KiB scattered, 1 lane, against memcpy of 1 MiB", "kvwire 4 KiB x 4096 scattered, 1 lane", "C memcpy 1 MiB", "GB/s",
     ">=", 0.7),
    ("4 KiB scattered, 2 lanes, against memcpy of 1 MiB", "kvwire 4 KiB x 4096 scattered, 2 lanes", "C memcpy 1 MiB",
     "GB/s", ">=", 0.7),
    ("4 KiB scattered, 1 lane, against memcpy of the same", "kvwire 4 KiB x 4096 scattered, 1 lane",
     "C memcpy 4 KiB scattered", "GB/s", "", None),
    ("1 MiB blocks in private memory, 2 lanes, against memcpy", "kvwire 1 MiB private, 2 lanes", "C memcpy 1 MiB", "GB/s", "",
     None),
    ("1 MiB blocks, 2 lanes, against UCX", "kvwire 1 MiB, 2 lanes", "ucx_perftest ucp_put_bw shared memory", "GB/s", ">=", 1.0),
    ("notification round trip, spinning, against C", "kvwire notify 64 B, spin", "C spin 64 B", "p50 us", "<=", 2.0),
    ("notification round trip, sleeping, against C", "kvwire notify 64 B, sleep", "C spin 64 B", "p50 us", "", None),
]


def memcpy(seconds, size, *order):
    return {"GB/s": json.loads(run(C / "shm_copy", FOOTPRINT, size, seconds, *order))["gigabytesPerSecond"]}


def writes(name, seconds, *options):
    """A figure for each number of lanes."""
    results = tcp.kvwire("pcie", seconds, "--lanes", "1,2", *options)
    return {tcp.named(name, each["lanes"]): {"GB/s": each["gigabytesPerSecond"], "CPU s/GB": each["cpuSecondsPerGigabyte"]}
            for each in results}


def ucx(seconds):
    env = {"UCX_TLS": "posix,sysv,cma,self"}
    tool = ("ucx_perftest", "-p", PORT + 1)
    with Server(*tool, port=PORT + 1, env=env):
        text = run(*tool, "127.0.0.1", "-t", "ucp_put_bw", "-s", FOOTPRINT, "-w", 4, "-n", max(10, int(seconds * 20)),
                   "-f", env=env)
    return {"GB/s": float(re.findall(r"[\d.]+", text.strip().splitlines()[-1])[-3]) * MIB / 1e9}


def subjects(seconds):
    """What a round measures, in order: name, and a function that gives figures, or named ones of several."""
    yield "C memcpy 1 MiB", lambda: memcpy(seconds, MIB)
    one, small, private = "kvwire 1 MiB", "kvwire 4 KiB x 4096 scattered", "kvwire 1 MiB private"
    yield one, lambda: writes(one, seconds, "--block-bytes", MIB, "--block-count", 16)
    yield "C memcpy 4 KiB scattered", lambda: memcpy(seconds, 4096, "scattered")
    yield small, lambda: writes(small, seconds, "--block-bytes", 4096, "--block-count", 4096, "--scattered")
    yield private, lambda: writes(private, seconds, "--block-bytes", MIB, "--block-count", 16, "--private-memory")
    yield "ucx_perftest ucp_put_bw shared memory", lambda: ucx(seconds)
    yield "C spin 64 B", lambda: {"p50 us": json.loads(run(C / "shm_ping", seconds))["p50Micros"]}
    yield "kvwire notify 64 B, spin", lambda: tcp.notify("pcie", seconds, True)
    yield "kvwire notify 64 B, sleep", lambda: tcp.notify("pcie", seconds, False)


def main():
    args = tcp.arguments(__doc__, 5, "shm")
    subprocess.run(["make", "-s", "-C", tcp.HERE / "c"], check=True)
    missing = tcp.not_installed(("ucx_perftest", "ucx_perftest ucp_put_bw shared memory"))
    rounds = [tcp.one_round(subjects(args.seconds), missing, f"round {number + 1}/{args.rounds}") for number in range(args.rounds)]
    tcp.write_report(args, "Shared memory between two processes", "shm.py", rounds, TARGETS, missing)


if __name__ == "__main__":
    main()
