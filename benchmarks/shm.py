#!/usr/bin/env python3
"""Measures kvwire between two processes of this host beside its baselines, in rounds that take turns.

    benchmarks/shm.py [--rounds N] [--seconds S] [--out FOLDER] [--name NAME]

WRITE over the path pcie, 256 MiB at each end, caches in shared memory unless it says private. Baselines: one thread
that copies between two memfd mappings with memcpy (C), UCX over its shared-memory transports (ucx_perftest, Debian's
ucx-utils) on as much memory, two C processes that pass 64 bytes through shared memory and spin. A figure is the median
of its rounds, with the lowest and the highest; a ratio is the median of the ratios of the rounds. Writes NAME.json and
NAME.md.
"""
import argparse
import datetime
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tcp
from tcp import C, FOOTPRINT, MIB, PORT, Server, run, spread

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


def kvwire(seconds, *options, spin=False):
    """Returns one result for each number of lanes that is asked for."""
    mode = ["--spin"] if spin else []
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        with Server(tcp.KVWIRE, "perf", "serve", "--port", PORT, *mode, port=PORT):
            run(tcp.KVWIRE, "perf", "run", f"127.0.0.1:{PORT}", "--require", "pcie", "--seconds", seconds, "--json",
                out.name, *mode, *options)
        return json.loads(Path(out.name).read_text())["results"]


def writes(name, seconds, *options):
    for result in kvwire(seconds, "--lanes", "1,2", *options):
        lanes = result["lanes"]
        yield f"{name}, {lanes} lane{'s' if lanes > 1 else ''}", {
            "GB/s": result["gigabytesPerSecond"], "CPU s/GB": result["cpuSecondsPerGigabyte"]}


def ucx(seconds):
    env = {"UCX_TLS": "posix,sysv,cma,self"}
    tool = ("ucx_perftest", "-p", PORT + 1)
    with Server(*tool, port=PORT + 1, env=env):
        text = run(*tool, "127.0.0.1", "-t", "ucp_put_bw", "-s", FOOTPRINT, "-w", 4, "-n", max(10, int(seconds * 20)),
                   "-f", env=env)
    return {"GB/s": float(re.findall(r"[\d.]+", text.strip().splitlines()[-1])[-3]) * MIB / 1e9}


def notify(seconds, spin):
    result = kvwire(seconds, "--op", "notify", "--lanes", 1, spin=spin)[0]
    return {"p50 us": result["p50Micros"]}


def measure(seconds):
    """One round: name and figures of each subject."""
    yield "C memcpy 1 MiB", lambda: memcpy(seconds, MIB)
    yield "kvwire 1 MiB", lambda: dict(writes("kvwire 1 MiB", seconds, "--block-bytes", MIB, "--block-count", 16))
    yield "C memcpy 4 KiB scattered", lambda: memcpy(seconds, 4096, "scattered")
    name = "kvwire 4 KiB x 4096 scattered"
    yield name, lambda: dict(writes(name, seconds, "--block-bytes", 4096, "--block-count", 4096, "--scattered"))
    name_private = "kvwire 1 MiB private"
    yield name_private, lambda: dict(writes(name_private, seconds, "--block-bytes", MIB, "--block-count", 16,
                                            "--private-memory"))
    yield "ucx_perftest ucp_put_bw shared memory", lambda: ucx(seconds)
    yield "C spin 64 B", lambda: json_figure(run(C / "shm_ping", seconds))
    yield "kvwire notify 64 B, spin", lambda: notify(seconds, True)
    yield "kvwire notify 64 B, sleep", lambda: notify(seconds, False)


def json_figure(text):
    return {"p50 us": json.loads(text)["p50Micros"]}


def one_round(seconds, missing, title):
    figures = {}
    for name, subject in measure(seconds):
        if name in missing:
            continue
        try:
            found = subject()
        except (RuntimeError, subprocess.TimeoutExpired) as failure:
            missing[name] = str(failure)
            continue
        for key, values in found.items() if isinstance(next(iter(found.values())), dict) else [(name, found)]:
            figures[key] = values
            shown = ", ".join(f"{value:.3f} {figure}" for figure, value in values.items())
            print(f"{title}  {key}: {shown}", file=sys.stderr, flush=True)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--out", type=Path, default=tcp.HERE / "results")
    parser.add_argument("--name", default=f"shm-{datetime.date.today()}")
    args = parser.parse_args()
    subprocess.run(["make", "-s", "-C", tcp.HERE / "c"], check=True)
    missing = {}
    if shutil.which("ucx_perftest") is None:
        missing["ucx_perftest ucp_put_bw shared memory"] = "ucx_perftest is not installed"
    host = tcp.machine()
    rounds = [one_round(args.seconds, missing, f"round {n + 1}/{args.rounds}") for n in range(args.rounds)]
    tcp.TARGETS[:] = TARGETS
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "machine": host,
        "command": f"benchmarks/shm.py --rounds {args.rounds} --seconds {args.seconds:g}",
        "rounds": args.rounds,
        "secondsEach": args.seconds,
        "ratios": tcp.ratios(rounds),
        "figures": {name: {figure: spread([r[name][figure] for r in rounds if name in r])
                           for figure in next(r[name] for r in rounds if name in r)}
                    for name in dict.fromkeys(name for r in rounds for name in r)},
        "missing": missing,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{args.name}.json").write_text(json.dumps(report, indent=1) + "\n")
    text = tcp.markdown(report).replace("# TCP on loopback", "# Shared memory between two processes", 1)
    (args.out / f"{args.name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
