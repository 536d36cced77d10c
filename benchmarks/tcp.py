#!/usr/bin/env python3
"""Measures kvwire over TCP beside its baselines, in rounds that take turns, and writes a report.

    benchmarks/tcp.py [--rounds N] [--seconds S] [--out FOLDER] [--name NAME]

Everything runs on loopback, each end in a process of its own. Baselines: a plain C send/receive loop at its
best write size, UCX (ucx_perftest, Debian's ucx-utils), iperf3 with one stream, a blocking C ping-pong. One
that is not installed is reported as missing. A figure is the median of its rounds, with the lowest and the
highest; a ratio is the median of the ratios of the rounds. Writes NAME.json and NAME.md.
"""
import argparse
import datetime
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
KVWIRE = HERE.parent / "kvwire"
C = HERE / "target" / "c"
MIB = 1 << 20
SMALL = 4 << 10
FOOTPRINT = 256 * MIB
PORT = 17410


def run(*command, env=None):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          env={**os.environ, **(env or {})}, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


class Server:
    """A process that listens until it is stopped."""

    def __init__(self, *command, port, env=None):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(part) for part in command], stdout=self.log, stderr=self.log,
                                        env={**os.environ, **(env or {})})
        self.port = port

    def __enter__(self):
        hexadecimal = f":{self.port:04X} "
        for _ in range(400):
            tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
            if any(hexadecimal in line and " 0A " in line for line in tables.splitlines()):
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.log.seek(0)
        raise RuntimeError(f"{self.process.args[0]} does not listen on port {self.port}: {self.log.read()[-400:]}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def c_loop(seconds, size, piece=None):
    pieces = [piece] if piece else []
    return json.loads(run(C / "tcp_loop", FOOTPRINT, size, seconds, *pieces))["gigabytesPerSecond"]


def kvwire(seconds, *options, spin=False):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        mode = ["--spin"] if spin else []
        with Server(KVWIRE, "perf", "serve", "--port", PORT, "--path", "tcp", *mode, port=PORT):
            run(KVWIRE, "perf", "run", f"127.0.0.1:{PORT}", "--seconds", seconds, "--json", out.name,
                *mode, *options)
        return json.loads(Path(out.name).read_text())["results"][0]


def ucx(seconds):
    env = {"UCX_TLS": "tcp", "UCX_NET_DEVICES": "lo"}
    tool = ("ucx_perftest", "-p", PORT + 1)
    with Server(*tool, port=PORT + 1, env=env):
        text = run(*tool, "127.0.0.1", "-t", "ucp_put_bw", "-s", MIB, "-w", 500, "-n",
                   max(2000, int(seconds * 2000)), "-f", env=env)
    numbers = re.findall(r"[\d.]+", text.strip().splitlines()[-1])
    # The final line: iterations, three times, then bandwidth (MB/s, of 2^20 bytes) average and overall.
    return float(numbers[-3]) * MIB / 1e9


def iperf(seconds):
    with Server("iperf3", "-s", "-p", PORT + 2, port=PORT + 2):
        report = json.loads(run("iperf3", "-c", "127.0.0.1", "-p", PORT + 2, "-t", max(1, round(seconds)),
                                "-l", MIB, "-J"))
    return report["end"]["sum_received"]["bits_per_second"] / 8e9


def ping_pong(seconds):
    return json.loads(run(C / "ping_pong", 64, seconds))["p50Micros"]


def machine():
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // (1 << 20)
    return {"cpu": cpu, "cores": os.cpu_count(), "memoryGiB": memory, "kernel": platform.release(),
            "kvwire": run(KVWIRE, "--version").strip()}


def best_write_size(piece=None):
    sizes = [16 << 10, 64 << 10, 256 << 10, MIB]
    rates = {size: statistics.median(c_loop(1, size, piece) for _ in range(3)) for size in sizes}
    return max(rates, key=rates.get)


def subjects(seconds, size, scattered_size):
    """What a round measures, in order: name -> a function that gives named figures."""
    blocks = ["--block-bytes", MIB, "--block-count", 16]
    rate = "gigabytesPerSecond"

    def walked(lanes):
        return lambda: kvwire(seconds, *blocks, "--lanes", lanes)

    def scattered(lanes):
        return lambda: pick(
            kvwire(seconds, "--block-bytes", SMALL, "--block-count", 4096, "--scattered", "--lanes", lanes),
            {"GB/s": rate, "ns/block": "senderNanosPerDescriptor", "CPU s/GB": "cpuSecondsPerGigabyte"})

    return {
        "C loop, best write size": lambda: {"GB/s": c_loop(seconds, size)},
        "C loop, 4 KiB scattered": lambda: {"GB/s": c_loop(seconds, scattered_size, SMALL)},
        "kvwire 1 MiB, 1 lane": lambda: pick(walked(1)(), {"GB/s": rate, "ns/block": "senderNanosPerDescriptor",
                                                          "CPU s/GB": "cpuSecondsPerGigabyte"}),
        "kvwire 1 MiB, 2 lanes": lambda: pick(walked(2)(), {"GB/s": rate, "ns/block": "senderNanosPerDescriptor",
                                                           "CPU s/GB": "cpuSecondsPerGigabyte"}),
        "kvwire 4 KiB x 4096 scattered, 1 lane": scattered(1),
        "kvwire 4 KiB x 4096 scattered, 2 lanes": scattered(2),
        "kvwire 1 MiB hot, 1 lane": lambda: pick(
            kvwire(seconds, "--block-bytes", MIB, "--block-count", 1, "--hot", "--depth", 8, "--lanes", 1),
            {"GB/s": rate}),
        "ucx_perftest ucp_put_bw tcp 1 MiB": lambda: {"GB/s": ucx(seconds)},
        "iperf3, 1 stream": lambda: {"GB/s": iperf(seconds)},
        "C ping-pong 64 B": lambda: {"p50 us": ping_pong(seconds)},
        "kvwire notify 64 B, spin": lambda: pick(
            kvwire(seconds, "--op", "notify", "--lanes", 1, spin=True), {"p50 us": "p50Micros"}),
        "kvwire notify 64 B, sleep": lambda: pick(
            kvwire(seconds, "--op", "notify", "--lanes", 1), {"p50 us": "p50Micros"}),
    }


def pick(result, keys):
    return {name: result[key] for name, key in keys.items()}


TARGETS = [
    ("1 MiB blocks against the C loop", "kvwire 1 MiB, 1 lane", "C loop, best write size", "GB/s", ">=", 1.0),
    ("the same with 2 lanes", "kvwire 1 MiB, 2 lanes", "C loop, best write size", "GB/s", ">=", 1.0),
    ("4 KiB scattered against own 1 MiB, 1 lane", "kvwire 4 KiB x 4096 scattered, 1 lane", "kvwire 1 MiB, 1 lane",
     "GB/s", ">=", 0.85),
    ("the same with 2 lanes", "kvwire 4 KiB x 4096 scattered, 2 lanes", "kvwire 1 MiB, 2 lanes",
     "GB/s", ">=", 0.85),
    ("the same of the C loop", "C loop, 4 KiB scattered", "C loop, best write size", "GB/s", "", None),
    ("4 KiB scattered against the C loop's, 1 lane", "kvwire 4 KiB x 4096 scattered, 1 lane",
     "C loop, 4 KiB scattered", "GB/s", "", None),
    ("hot 1 MiB against UCX over tcp", "kvwire 1 MiB hot, 1 lane", "ucx_perftest ucp_put_bw tcp 1 MiB", "GB/s",
     ">=", 2.0),
    ("hot 1 MiB against iperf3", "kvwire 1 MiB hot, 1 lane", "iperf3, 1 stream", "GB/s", ">=", 0.8),
    ("notification round trip, spinning, against C", "kvwire notify 64 B, spin", "C ping-pong 64 B", "p50 us",
     "<=", 2.0),
    ("notification round trip, sleeping, against C", "kvwire notify 64 B, sleep", "C ping-pong 64 B", "p50 us",
     "", None),
]


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": values}


def ratios(rounds):
    rows = []
    for what, ours, theirs, figure, sign, target in TARGETS:
        values = [r[ours][figure] / r[theirs][figure] for r in rounds
                  if figure in r.get(ours, {}) and figure in r.get(theirs, {})]
        if values:
            median = statistics.median(values)
            met = None if target is None else (median >= target if sign == ">=" else median <= target)
            rows.append({"what": what, "ratio": spread(values), "target": f"{sign} {target}" if target else "",
                         "met": met})
    small, large = "kvwire 4 KiB x 4096 scattered, 2 lanes", "kvwire 1 MiB, 2 lanes"
    extra = [r[small]["ns/block"] - r[large]["ns/block"] * SMALL / MIB for r in rounds
             if "ns/block" in r.get(small, {}) and "ns/block" in r.get(large, {})]
    if extra:
        rows.append({"what": "sender's CPU for each 4 KiB descriptor beyond its bytes, ns", "ratio": spread(extra),
                     "target": "< 500", "met": statistics.median(extra) < 500})
    return rows


def markdown(report):
    lines = [f"# TCP on loopback, {report['date']}", ""]
    lines += [f"{key}: {value}  " for key, value in report["machine"].items()]
    lines += [f"command: `{report['command']}`; {report['rounds']} rounds that take turns, "
              f"{report['secondsEach']} s each"
              + (" (short: directional)" if report["secondsEach"] * report["rounds"] < 10 else ""), ""]
    lines += ["| ratio | median | lowest - highest | target | met |", "|---|---|---|---|---|"]
    for row in report["ratios"]:
        r = row["ratio"]
        met = {None: "", True: "yes", False: "**no**"}[row["met"]]
        lines.append(f"| {row['what']} | {r['median']:.2f} | {r['min']:.2f} - {r['max']:.2f} | {row['target']} | {met} |")
    lines += ["", "| subject | figure | median | lowest - highest |", "|---|---|---|---|"]
    for name, figures in report["figures"].items():
        for figure, s in figures.items():
            lines.append(f"| {name} | {figure} | {s['median']:.2f} | {s['min']:.2f} - {s['max']:.2f} |")
    lines += [""] + [f"- {name}: missing, {why}" for name, why in report["missing"].items()]
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--name", default=f"tcp-{datetime.date.today()}")
    args = parser.parse_args()
    subprocess.run(["make", "-s", "-C", HERE / "c"], check=True)
    host = machine()
    size, scattered_size = best_write_size(), best_write_size(SMALL)
    missing = {}
    for tool, name in (("ucx_perftest", "ucx_perftest ucp_put_bw tcp 1 MiB"), ("iperf3", "iperf3, 1 stream")):
        if shutil.which(tool) is None:
            missing[name] = f"{tool} is not installed"
    rounds = []
    for number in range(args.rounds):
        figures = {}
        for name, measure in subjects(args.seconds, size, scattered_size).items():
            if name in missing:
                continue
            try:
                figures[name] = measure()
            except (RuntimeError, subprocess.TimeoutExpired) as failure:
                missing[name] = str(failure)
                continue
            shown = ", ".join(f"{value:.2f} {figure}" for figure, value in figures[name].items())
            print(f"round {number + 1}/{args.rounds}  {name}: {shown}", file=sys.stderr, flush=True)
        rounds.append(figures)
    names = [name for name in subjects(args.seconds, size, scattered_size) if any(name in r for r in rounds)]
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "machine": host,
        "command": f"benchmarks/tcp.py --rounds {args.rounds} --seconds {args.seconds:g}",
        "rounds": args.rounds,
        "secondsEach": args.seconds,
        "bestWriteSizeOfTheCLoop": size,
        "bestWriteSizeOfTheCLoopScattered": scattered_size,
        "ratios": ratios(rounds),
        "figures": {name: {figure: spread([r[name][figure] for r in rounds if name in r])
                           for figure in next(r[name] for r in rounds if name in r)} for name in names},
        "missing": missing,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{args.name}.json").write_text(json.dumps(report, indent=1) + "\n")
    (args.out / f"{args.name}.md").write_text(markdown(report))
    print(markdown(report))


if __name__ == "__main__":
    main()
