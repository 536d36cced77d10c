#!/usr/bin/env python3
"""Measures how much of a transfer layer-wise pushing hides, beside what the ideal recursion says can be hidden.

    benchmarks/overlap.py [--model MODEL] [--rounds N] [--codec CODEC] [--out FOLDER] [--name NAME]

Prefill and decode are two processes on this host, over TCP on loopback at three rates: half of, at, and twice
the balance point, where moving the cache takes as long as computing it. Bulk, layer-wise and auto take turns;
TTFTs are medians. The ideal is computed from what each unit kept compute and wire busy in the run in bulk,
where neither disturbs the other. Writes NAME.json and NAME.md; exits with 1 when a target is missed.
"""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KVWIRE = HERE.parent / "kvwire"
TARGET = 0.9
RATES = [("half the balance point", 0.5), ("the balance point", 1.0), ("twice the balance point", 2.0)]


def demo(*options):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [str(part) for part in (KVWIRE, "demo", *options, "--json", out.name)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
        return json.loads(Path(out.name).read_text())["steps"]


def machine():
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    version = subprocess.run([str(KVWIRE), "--version"], capture_output=True, text=True).stdout.strip()
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "kvwire": version}


def balance(model):
    """Bytes per second at which moving the cache takes as long as computing it."""
    steps = demo("--model", model, "--steps", "1", "--links", "limited", "--codec", "raw", "--rounds", 3,
                 "--bytes-per-second", 100_000_000)
    bulk = next(row for row in steps if row["mode"] == "bulk")
    compute = sum(unit["compute"]["busyMillis"] for unit in bulk["overlap"]["units"])
    return bulk["transferBytes"] / compute * 1e3


def measure(arguments, name, rate):
    rows = []
    for row in demo("--model", arguments.model, "--steps", "1", "--links", "limited", "--rounds", arguments.rounds,
                    "--codec", arguments.codec, "--bytes-per-second", round(rate)):
        if row["mode"] not in ("layerwise", "auto"):
            continue
        overlap = row["overlap"]
        figures = {key: value for key, value in overlap.items() if key != "units"}
        seen = overlap["against"] == "bulk"
        rows.append({"link": name, "bytesPerSecond": round(rate), "codec": row["codec"], "mode": row["mode"],
                     "choices": row["choices"], "transferBytes": row["transferBytes"], "rounds": row["rounds"],
                     **figures, "target": TARGET,
                     "met": seen and overlap["hiddenShare"] >= TARGET})
    return rows


def markdown(report):
    lines = [f"# What layer-wise pushing hides, {report['date']}", "",
             f"{report['machine']['cpu']}, {report['machine']['cores']} cores, Linux {report['machine']['kernel']}, "
             f"kvwire {report['machine']['kvwire']}. `{report['command']}`", "",
             f"Preset `{report['model']}`; the balance point is {report['balanceBytesPerSecond'] / 1e6:.1f} MB/s. "
             "TTFT in ms; hidden is (bulk - observed) / (bulk - ideal), hideable the share of the transfer that the "
             "ideal hides.", "",
             "| link | MB/s | codec | mode | bulk | ideal | observed | hideable % | hidden % | target | met |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in report["results"]:
        lines.append(
            f"| {row['link']} | {row['bytesPerSecond'] / 1e6:.1f} | {row['codec']} | {row['mode']} "
            f"| {row['bulkMillis']:.1f} | {row['idealMillis']:.1f} | {row['observedMillis']:.1f} "
            f"| {100 * row['hideableShare']:.0f} | {100 * row['hiddenShare']:.0f} | {100 * row['target']:.0f} "
            f"| {'yes' if row['met'] else 'NO'} |")
    lines += ["", "Above 100: computing took less time in that run than in bulk, by chance."]
    return "\n".join(lines) + "\n"


def main():
    today = datetime.date.today().isoformat()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="small")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--codec", default="raw", help="shown beside raw")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--name", default=f"overlap-{today}")
    arguments = parser.parse_args()
    rate = balance(arguments.model)
    results = [row for name, factor in RATES for row in measure(arguments, name, factor * rate)]
    report = {"date": today, "machine": machine(), "command": " ".join(["benchmarks/overlap.py", *sys.argv[1:]]),
              "model": arguments.model, "balanceBytesPerSecond": rate, "results": results}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{arguments.name}.json").write_text(json.dumps(report, indent=2) + "\n")
    text = markdown(report)
    (arguments.out / f"{arguments.name}.md").write_text(text)
    print(text)
    return 0 if all(row["met"] for row in results) else 1


if __name__ == "__main__":
    sys.exit(main())
