#!/usr/bin/env python3
"""Measures what handing a request over costs through a file, over TCP and through shared memory, in the steps of the demo.

    benchmarks/steps.py [--runs N] [--rounds N] [--steps STEPS] [--out FOLDER] [--name NAME]

Each run is a `kvwire demo` of its own with two new processes, in which the rows of a step take turns; handover is TTFT without
prefill's computing. A figure is the median of the runs' medians, with the lowest and the highest; a ratio is the median of the
ratios of the runs. Steps: 1 (cpu to cpu), 1.5 (xpu to xpu), 2 (both ways between the two). Writes NAME.json and NAME.md, after
every run; exits with 1 when shared memory is slower than TCP or the file in a step.
"""
import argparse
import datetime
import json
import sys
import tempfile
from pathlib import Path

import tcp
from tcp import KVWIRE, run, spread

AGAINST = [("pcie bulk", "tcp bulk"), ("pcie bulk", "file"), ("pcie layerwise", "tcp layerwise")]


def demo(step, rounds):
    """Handover in ms of each way to hand over, by what prefills and decodes."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        run(KVWIRE, "demo", "--steps", step, "--links", "free", "--codec", "raw", "--rounds", rounds, "--max-tokens", 2, "--json",
            out.name)
        rows = json.loads(Path(out.name).read_text())["steps"]
    found = {}
    for row in rows:
        if str(row["step"]) != step or row["note"]:
            continue
        if row["error"] or not row["tokensMatch"]:
            raise RuntimeError(f"step {step} {row['path']} {row['mode']}: {row['error'] or 'other tokens'}")
        seats = f"{step}, {row['prefillDevice']} to {row['decodeDevice']}"
        way = row["path"] if row["path"] == row["mode"] else f"{row['path']} {row['mode']}"
        found.setdefault(seats, {})[way] = row["handoverMillis"]
    if not found or any(way not in ways for ways in found.values() for pair in AGAINST for way in pair):
        raise RuntimeError(f"step {step}: this host cannot run all of it, see `kvwire doctor`")
    return found


def summary(runs):
    rows = []
    for seats in runs[0]:
        seen = [each[seats] for each in runs]
        ratios = {f"{ours} / {theirs}": spread([each[ours] / each[theirs] for each in seen]) for ours, theirs in AGAINST}
        rows.append({
            "step": seats,
            "handoverMillis": {way: spread([each[way] for each in seen]) for way in seen[0]},
            "ratios": ratios,
            "met": all(ratio["median"] < 1 for ratio in ratios.values()),
        })
    return rows


def figure(values, pattern="{:.1f}"):
    median, least, most = (pattern.format(values[key]) for key in ("median", "min", "max"))
    return f"{median} ({least} - {most})"


def markdown(report):
    lines = [f"# Handing a request over, {report['date']}", ""]
    lines += [f"{key}: {value}  " for key, value in report["machine"].items()]
    lines += [f"command: `{report['command']}`; {report['runs']} runs", ""]
    ways = list(dict.fromkeys(way for row in report["rows"] for way in row["handoverMillis"]))
    pairs = [f"{ours} / {theirs}" for ours, theirs in AGAINST]
    lines += ["Handover in ms, median (lowest - highest) of the runs:", "", "| step | " + " | ".join(ways) + " |",
              "|---" * (len(ways) + 1) + "|"]
    for row in report["rows"]:
        cells = [figure(row["handoverMillis"][way]) if way in row["handoverMillis"] else "" for way in ways]
        lines.append(f"| {row['step']} | " + " | ".join(cells) + " |")
    lines += ["", "| step | " + " | ".join(pairs) + " | all below 1 |", "|---" * (len(pairs) + 2) + "|"]
    for row in report["rows"]:
        cells = [figure(row["ratios"][pair], "{:.2f}") for pair in pairs]
        lines.append(f"| {row['step']} | " + " | ".join(cells) + f" | {'yes' if row['met'] else '**no**'} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", default="1,1.5,2")
    parser.add_argument("--out", type=Path, default=tcp.HERE / "results")
    parser.add_argument("--name", default=f"steps-{datetime.date.today()}")
    args = parser.parse_args()
    host = tcp.machine()
    args.out.mkdir(parents=True, exist_ok=True)
    runs = []
    for number in range(args.runs):
        figures = {}
        for step in args.steps.split(","):
            figures.update(demo(step, args.rounds))
        runs.append(figures)
        for seats, ways in figures.items():
            shown = ", ".join(f"{way} {millis:.1f}" for way, millis in ways.items())
            print(f"run {number + 1}/{args.runs}  {seats}: {shown}", file=sys.stderr, flush=True)
        report = {
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
            "machine": host,
            "command": f"benchmarks/steps.py --runs {args.runs} --rounds {args.rounds} --steps {args.steps}",
            "runs": number + 1,
            "rows": summary(runs),
        }
        (args.out / f"{args.name}.json").write_text(json.dumps(report, indent=1) + "\n")
        (args.out / f"{args.name}.md").write_text(markdown(report))
    print(markdown(report))
    sys.exit(0 if all(row["met"] for row in report["rows"]) else 1)


if __name__ == "__main__":
    main()
