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
TURNS = 3
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


def kvwire(path, seconds, *options, spin=False):
    """The results of `perf run`, in its order."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        mode = ["--spin"] if spin else []
        with Server(KVWIRE, "perf", "serve", "--port", PORT, *mode, port=PORT):
            run(KVWIRE, "perf", "run", f"127.0.0.1:{PORT}", "--require", path, "--path", path, "--seconds", seconds, "--json",
                out.name, *mode, *options)
        return json.loads(Path(out.name).read_text())["results"]


def notify(path, seconds, spin):
    result = kvwire(path, seconds, "--op", "notify", "--lanes", 1, spin=spin)[0]
    return {"p50 us": result["p50Micros"]}


def sizes(seconds, lanes):
    """1 MiB and 4 KiB blocks over one connection, in short turns, so that both meet the same machine."""
    results = kvwire("tcp", seconds / TURNS, "--block-bytes", f"{MIB},{SMALL}", "--scattered", "--lanes", lanes, "--rounds", TURNS)
    keys = {"GB/s": "gigabytesPerSecond", "ns/block": "senderNanosPerDescriptor", "CPU s/GB": "cpuSecondsPerGigabyte"}
    return {
        name: {figure: statistics.median(each[key] for each in results if each["blockBytes"] == size)
               for figure, key in keys.items()}
        for size, name in ((MIB, named("kvwire 1 MiB", lanes)), (SMALL, named("kvwire 4 KiB x 4096 scattered", lanes)))}


def named(name, lanes):
    return f"{name}, {lanes} lane{'s' if lanes > 1 else ''}"


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
    """What a round measures, in order: name, and a function that gives figures, or named ones of several."""
    yield "C loop, best write size", lambda: {"GB/s": c_loop(seconds, size)}
    yield "C loop, 4 KiB scattered", lambda: {"GB/s": c_loop(seconds, scattered_size, SMALL)}
    yield "kvwire 1 MiB and 4 KiB, 1 lane", lambda: sizes(seconds, 1)
    yield "kvwire 1 MiB and 4 KiB, 2 lanes", lambda: sizes(seconds, 2)
    yield "kvwire 1 MiB hot, 1 lane", lambda: {
        "GB/s": kvwire("tcp", seconds, "--block-bytes", MIB, "--block-count", 1, "--hot", "--depth", 8, "--lanes",
                       1)[0]["gigabytesPerSecond"]}
    yield "ucx_perftest ucp_put_bw tcp 1 MiB", lambda: {"GB/s": ucx(seconds)}
    yield "iperf3, 1 stream", lambda: {"GB/s": iperf(seconds)}
    yield "C ping-pong 64 B", lambda: {"p50 us": ping_pong(seconds)}
    yield "kvwire notify 64 B, spin", lambda: notify("tcp", seconds, True)
    yield "kvwire notify 64 B, sleep", lambda: notify("tcp", seconds, False)


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


def ratios(rounds, targets):
    rows = []
    for what, ours, theirs, figure, sign, target in targets:
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


def one_round(subjects, missing, title):
    """Figures by name; why a subject has none goes into `missing`, and it is not tried again."""
    figures = {}
    for name, measure in subjects:
        if name in missing:
            continue
        try:
            found = measure()
        except (RuntimeError, subprocess.TimeoutExpired) as failure:
            missing[name] = str(failure)
            continue
        for key, values in found.items() if isinstance(next(iter(found.values())), dict) else [(name, found)]:
            figures[key] = values
            shown = ", ".join(f"{value:.3f} {figure}" for figure, value in values.items())
            print(f"{title}  {key}: {shown}", file=sys.stderr, flush=True)
    return figures


def write_report(args, title, command, rounds, targets, missing, **more):
    names = dict.fromkeys(name for each in rounds for name in each)
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "machine": machine(),
        "command": f"benchmarks/{command} --rounds {args.rounds} --seconds {args.seconds:g}",
        "rounds": args.rounds,
        "secondsEach": args.seconds,
        **more,
        "ratios": ratios(rounds, targets),
        "figures": {name: {figure: spread([each[name][figure] for each in rounds if name in each])
                           for figure in next(each[name] for each in rounds if name in each)} for name in names},
        "missing": missing,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{args.name}.json").write_text(json.dumps(report, indent=1) + "\n")
    text = markdown(report, title)
    (args.out / f"{args.name}.md").write_text(text)
    print(text)


def arguments(description, rounds, name):
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--name", default=f"{name}-{datetime.date.today()}")
    return parser.parse_args()


def not_installed(*tools):
    """Subjects whose tool this machine lacks, with the reason."""
    return {name: f"{tool} is not installed" for tool, name in tools if shutil.which(tool) is None}


def markdown(report, title):
    lines = [f"# {title}, {report['date']}", ""]
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
    args = arguments(__doc__, 7, "tcp")
    subprocess.run(["make", "-s", "-C", HERE / "c"], check=True)
    size, scattered_size = best_write_size(), best_write_size(SMALL)
    missing = not_installed(("ucx_perftest", "ucx_perftest ucp_put_bw tcp 1 MiB"), ("iperf3", "iperf3, 1 stream"))
    rounds = [one_round(subjects(args.seconds, size, scattered_size), missing, f"round {number + 1}/{args.rounds}")
              for number in range(args.rounds)]
    write_report(args, "TCP on loopback", "tcp.py", rounds, TARGETS, missing, bestWriteSizeOfTheCLoop=size,
                 bestWriteSizeOfTheCLoopScattered=scattered_size)


if __name__ == "__main__":
    main()
