#!/usr/bin/env python3
"""Measures how much of a transfer layer-wise pushing hides, beside what the ideal recursion says can be hidden.

    benchmarks/overlap.py [--model MODEL] [--rounds N] [--threads N] [--codec CODEC] [--pairs N] [--perf-rounds N]
                          [--seconds S] [--parts PARTS] [--out FOLDER] [--name NAME]

Prefill and decode are two processes on this host, over TCP on loopback at three rates: half of, at, and twice
the balance point, where moving the cache takes as long as computing it. Bulk, layer-wise and auto take turns;
TTFTs are medians. The ideal is computed from what each unit kept compute and wire busy in the run in bulk,
where neither disturbs the other. Half of the cores compute: beside an accelerator, what sends has cores of its own, too.

Beside that, over TCP between two processes on loopback: a cache of 64 MiB (8 heads of 128, 16 tokens a block) as INT8
against raw at 1 GB/s; over a grid of four link rates and three shapes, whether `auto` takes whichever of raw and INT8 is
faster; and the first INT8 transfer of freshly started processes, with the codec's warm-up and without it
(`-Dkvwire.codec.warmUpMillis=0`). All take turns. PARTS is a list of `hidden`, `bulk`, `auto` and `first`; what of NAME.json a
run does not measure stays. Writes NAME.json and NAME.md; exits with 1 when a target is missed.
"""
import argparse
import contextlib
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KVWIRE = HERE.parent / "kvwire"
TARGET = 0.9
BULK_RATE = 1_000_000_000
BULK_TARGET = 0.56
BULK_BLOCKS = 1024
BLOCK_BYTES = 64 << 10
AUTO_RATES = (50_000_000, 250_000_000, 1_000_000_000, 0)
AUTO_BLOCK_BYTES = (4 << 10, 64 << 10, 512 << 10)
AUTO_BLOCKS = 64
AUTO_LEAST = 6
AUTO_NOISE = 0.05
PARTS = ("hidden", "bulk", "auto", "first")
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


def balance(arguments):
    """Bytes per second at which moving the cache takes as long as computing it."""
    steps = demo("--model", arguments.model, "--threads", arguments.threads, "--steps", "1", "--links", "limited", "--codec", "raw", "--rounds", 3,
                 "--bytes-per-second", 100_000_000)
    bulk = next(row for row in steps if row["mode"] == "bulk")
    compute = sum(unit["compute"]["busyMillis"] for unit in bulk["overlap"]["units"])
    return bulk["transferBytes"] / compute * 1e3


def measure(arguments, name, rate):
    rows = []
    for row in demo("--model", arguments.model, "--threads", arguments.threads, "--steps", "1", "--links", "limited",
                    "--rounds", arguments.rounds, "--codec", arguments.codec, "--bytes-per-second", round(rate)):
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


@contextlib.contextmanager
def perf_server():
    """The address of a process that blocks can be written to over TCP."""
    server = subprocess.Popen([str(KVWIRE), "perf", "serve", "--listen", "127.0.0.1:0", "--path", "tcp"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.wait(timeout=30)


def perf(server, *options):
    """Measures one transfer after the other; a list of results, `transferMillis` in each."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [str(part) for part in (KVWIRE, "perf", "run", server, "--path", "tcp", "--depth", "1", *options,
                                          "--json", out.name)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
        results = json.loads(Path(out.name).read_text())["results"]
    for result in results:
        result["transferBytes"] = result["blockBytes"] * result["blockCount"]
        # Of the mean, not the median: a link may make good in one transfer what a pause let pass.
        result["transferMillis"] = result["transferBytes"] / result["gigabytesPerSecond"] / 1e6
    return results


def median_millis(results, codec):
    return statistics.median(result["transferMillis"] for result in results if result["codecAsked"] == codec)


def in_bulk(arguments):
    """INT8 against raw, one transfer of a whole cache after the other over a link of 1 GB/s."""
    with perf_server() as server:
        results = perf(server, "--codec", "raw", "--codec", "int8", "--bytes-per-second", BULK_RATE, "--block-bytes",
                       BLOCK_BYTES, "--block-count", BULK_BLOCKS, "--hot", "--rounds", arguments.perf_rounds, "--seconds",
                       arguments.seconds)
    raw, coded = median_millis(results, "raw"), median_millis(results, "int8")
    each = [{"codec": result["codecAsked"], "millis": result["transferMillis"], "wireRatio": result["ratio"]}
            for result in results]
    return {"bytesPerSecond": BULK_RATE, "transferBytes": results[0]["transferBytes"], "rawMillis": raw,
            "int8Millis": coded, "ratio": coded / raw, "target": BULK_TARGET, "met": coded / raw <= BULK_TARGET,
            "each": each}


def choices_of_auto(arguments):
    """Raw, INT8 and auto over each of a grid of link rates and shapes."""
    results = []
    with perf_server() as server:
        for rate in AUTO_RATES:
            # Of the longest transfers, so many that a try of the other way is not half of them.
            seconds = 0.5 if rate == 0 else max(0.5, AUTO_LEAST * AUTO_BLOCKS * max(AUTO_BLOCK_BYTES) / 2 / rate)
            results += perf(server, "--codec", "raw", "--codec", "int8", "--codec", "auto", "--bytes-per-second", rate,
                            "--block-bytes", ",".join(map(str, AUTO_BLOCK_BYTES)), "--block-count", AUTO_BLOCKS,
                            "--working-set-bytes", "64MiB", "--rounds", arguments.perf_rounds, "--seconds", seconds)
    cells = []
    for rate in AUTO_RATES:
        for size in AUTO_BLOCK_BYTES:
            cell = [result for result in results
                    if result["bytesPerSecond"] == rate and result["blockBytes"] == size]
            raw, coded, auto = (median_millis(cell, codec) for codec in ("raw", "int8", "auto"))
            decided = [result for result in cell if result["codecAsked"] == "auto"]
            alike = abs(raw - coded) <= AUTO_NOISE * min(raw, coded)
            faster = "alike" if alike else "raw" if raw < coded else "int8"
            chosen = [result["codec"] for result in decided]
            cells.append({"bytesPerSecond": rate, "blockBytes": size, "blocks": AUTO_BLOCKS,
                          "transferBytes": cell[0]["transferBytes"], "rawMillis": raw, "int8Millis": coded,
                          "autoMillis": auto, "faster": faster, "chosen": chosen,
                          "shares": [result["codecShare"] for result in decided],
                          "reasons": [result["codecReason"] for result in decided],
                          "met": alike or all(choice == faster for choice in chosen)})
    return cells


def fresh_pair(model, rate, warm):
    """The first INT8 transfer between two processes that have just been started."""
    options = "" if warm else "-Dkvwire.codec.warmUpMillis=0"
    environment = {**os.environ, "JDK_JAVA_OPTIONS": f"{os.environ.get('JDK_JAVA_OPTIONS', '')} {options}".strip()}
    same = ["--model", model, "--path", "tcp", "--codec", "int8"]
    prefill = subprocess.Popen([str(KVWIRE), "prefill", "--listen", "127.0.0.1:0", "--bytes-per-second", str(rate), *same],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        address = prefill.stdout.readline().split()[-1]
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            command = [str(KVWIRE), "decode", "--prefill", address, "--max-tokens", "2", "--json", out.name, *same]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
            if done.returncode != 0:
                raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
            return json.loads(Path(out.name).read_text())
    finally:
        prefill.terminate()
        prefill.wait(timeout=30)


def first_transfers(arguments, rate):
    """Pairs of processes with and without the warm-up, taking turns."""
    runs = {True: [], False: []}
    for _ in range(arguments.pairs):
        for warm in runs:
            runs[warm].append(fresh_pair(arguments.model, round(rate), warm))
    rows = []
    for warm, done in runs.items():
        figures = {"ttftMillis": [run["ttftMillis"] for run in done],
                   "unseenShare": [run["overlap"]["unseenShare"] for run in done]}
        for stage in ("compute", "encode", "wire", "decode"):
            figures[f"{stage}Millis"] = [sum(unit[stage]["busyMillis"] for unit in run["overlap"]["units"]) for run in done]
        rows.append({"warmUp": warm, "bytesPerSecond": round(rate), "pairs": len(done),
                     **{key: statistics.median(values) for key, values in figures.items()}, "each": figures})
    return rows


def bulk_lines(row):
    return ["", "## INT8 against raw in bulk", "", "| MB/s | MB | raw ms | INT8 ms | ratio | target | met |",
            "|---|---|---|---|---|---|---|",
            f"| {row['bytesPerSecond'] / 1e6:.0f} | {row['transferBytes'] / 1e6:.1f} | {row['rawMillis']:.1f} "
            f"| {row['int8Millis']:.1f} | {row['ratio']:.2f} | {row['target']:.2f} | {'yes' if row['met'] else 'NO'} |"]


def auto_lines(cells):
    lines = ["", "## What auto chooses", "",
             f"Means of one transfer in ms, medians of {len(cells[0]['chosen'])} rounds. Chosen is what most transfers of "
             "each round were sent as, with the share of them in the round where it is lowest: the others were tries of the "
             f"other way. Raw and INT8 within {100 * AUTO_NOISE:.0f} % are alike: either is right.", "",
             "| MB/s | block KiB | MB | raw ms | INT8 ms | auto ms | of the faster | faster | chosen | share % | right |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for cell in cells:
        rate = f"{cell['bytesPerSecond'] / 1e6:.0f}" if cell["bytesPerSecond"] else "no limit"
        lines.append(f"| {rate} | {cell['blockBytes'] >> 10} | {cell['transferBytes'] / 1e6:.1f} | {cell['rawMillis']:.2f} "
                     f"| {cell['int8Millis']:.2f} | {cell['autoMillis']:.2f} "
                     f"| {cell['autoMillis'] / min(cell['rawMillis'], cell['int8Millis']):.2f} | {cell['faster']} "
                     f"| {', '.join(cell['chosen'])} | {100 * min(cell['shares']):.0f} | {'yes' if cell['met'] else 'NO'} |")
    return lines


def first_lines(rows):
    lines = ["", "## The first INT8 transfer of two processes", "",
             f"Layer by layer at {rows[0]['bytesPerSecond'] / 1e6:.1f} MB/s; medians of {rows[0]['pairs']} pairs of processes. Unseen is the "
             "share of the transfer that TTFT does not show; the other columns are how long each stage was busy.", "",
             "| warm-up | TTFT ms | compute ms | encode ms | wire ms | decode ms | unseen % |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        stages = " | ".join(f"{row[stage + 'Millis']:.1f}" for stage in ("ttft", "compute", "encode", "wire", "decode"))
        lines.append(f"| {'yes' if row['warmUp'] else 'no'} | {stages} | {100 * row['unseenShare']:.0f} |")
    return lines


def hidden_lines(report):
    if not report["results"]:
        return []
    lines = [f"Preset `{report['model']}`; the balance point is {report['balanceBytesPerSecond'] / 1e6:.1f} MB/s. "
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
    return [*lines, "", "Above 100: computing took less time in that run than in bulk, by chance."]


def markdown(report):
    lines = [f"# What layer-wise pushing hides, {report['date']}", "",
             f"{report['machine']['cpu']}, {report['machine']['cores']} cores, Linux {report['machine']['kernel']}, "
             f"kvwire {report['machine']['kvwire']}. `{report['command']}`", "",
             *hidden_lines(report)]
    if "bulk" in report:
        lines += bulk_lines(report["bulk"])
    if "auto" in report:
        lines += auto_lines(report["auto"])
    if "first" in report:
        lines += first_lines(report["first"])
    return "\n".join(lines) + "\n"


def main():
    today = datetime.date.today().isoformat()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="small")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 1) // 2),
                        help="that compute in the part `hidden` (default: half of the cores)")
    parser.add_argument("--codec", default="raw", help="shown beside raw")
    parser.add_argument("--pairs", type=int, default=5, help="of processes for the first transfer")
    parser.add_argument("--perf-rounds", type=int, default=5, help="of each codec in bulk, and in each cell for auto")
    parser.add_argument("--seconds", type=float, default=2, help="of a measurement in bulk")
    parser.add_argument("--parts", default=",".join(PARTS), help="what to measure")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--name", default=f"overlap-{today}")
    arguments = parser.parse_args()
    kept = arguments.out / f"{arguments.name}.json"
    report = json.loads(kept.read_text()) if kept.exists() else {"results": []}
    parts = arguments.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts {', '.join(sorted(unknown))}: of {', '.join(PARTS)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    report |= {"date": today, "machine": machine(), "command": " ".join(["benchmarks/overlap.py", *sys.argv[1:]]),
               "model": arguments.model}
    if {"hidden", "first"} & set(parts):
        report["balanceBytesPerSecond"] = balance(arguments)
    if "hidden" in parts:
        report["results"] = [row for name, factor in RATES
                             for row in measure(arguments, name, factor * report["balanceBytesPerSecond"])]
    if "bulk" in parts:
        report["bulk"] = in_bulk(arguments)
    if "auto" in parts:
        report["auto"] = choices_of_auto(arguments)
    if "first" in parts:
        report["first"] = first_transfers(arguments, report["balanceBytesPerSecond"])
    kept.write_text(json.dumps(report, indent=2) + "\n")
    text = markdown(report)
    (arguments.out / f"{arguments.name}.md").write_text(text)
    print(text)
    targets = [*report["results"], *([report["bulk"]] if "bulk" in report else []), *report.get("auto", [])]
    return 0 if all(row["met"] for row in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
