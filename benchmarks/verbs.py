#!/usr/bin/env python3
"""Measures what the verbs bindings cost beside the same loop in C and beside DiSNI, and writes a report.

    benchmarks/verbs.py [--rounds N] [--seconds S] [--out FOLDER] [--name NAME]

All of them call the same device, which completes at once (c/stub_verbs.c), so what is measured is the calling: writing a
request of one segment and posting it; polling a completion and looking at its status and id. A figure is nanoseconds per
request or completion: the median of the rounds, in which C and Java take turns; a ratio is to C in the same round. Bytes
allocated are JMH's gc.alloc.rate.norm. Writes NAME.json and NAME.md.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
C = HERE / "target" / "c"
BATCHES = (1, 16)
CALLERS = {"panama, critical calls": "VerbsBenchmark critical", "panama, plain calls": "VerbsBenchmark plain",
           "DiSNI 2.1": "DisniBenchmark"}


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def java_home():
    """The JDK that the launcher found."""
    run(ROOT / "kvwire", "--version")
    return Path((ROOT / "target" / "kvwire" / "jdk").read_text().strip())


def class_path(jdk):
    """Compiles the benchmarks; returns what they run on."""
    run("mvn", "-B", "-q", "-Dquick", "-pl", "benchmarks", "-am", "compile", "dependency:build-classpath",
        "-Dmdep.outputFile=target/benchmarks.classpath", cwd=ROOT, env={**os.environ, "JAVA_HOME": str(jdk)})
    listed = (HERE / "target" / "benchmarks.classpath").read_text().strip()
    return f"{HERE / 'target' / 'quick' / 'classes'}:{listed}"


def c_loop(batch, seconds):
    return json.loads(run(C / "verbs_loop", batch, seconds))


def jmh(jdk, classes, seconds):
    """One run of all benchmarks; returns {(caller, what, batch): (nanoseconds, bytes allocated)}, per request."""
    period = f"{int(seconds * 1000)}ms"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "jmh.json"
        flags = ["--enable-native-access=ALL-UNNAMED", f"-Dkvwire.verbs.library={C / 'libstubverbs.so'}",
                 f"-Djava.library.path={C}", "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
                 "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Xms256m", "-Xmx256m"]
        run(jdk / "bin" / "java", *flags, "-cp", classes, "org.openjdk.jmh.Main", "(Verbs|Disni)Benchmark",
            "-f", 1, "-wi", 2, "-w", period, "-i", 3, "-r", period, "-prof", "gc",
            "-rf", "json", "-rff", report)
        results = json.loads(report.read_text())
    figures = {}
    for result in results:
        name, method = result["benchmark"].split(".")[-2:]
        parameters = result["params"]
        batch = int(parameters["batch"])
        key = f"{name} {parameters['mode']}" if "mode" in parameters else name
        caller = next(c for c, k in CALLERS.items() if k == key)
        nanos = result["primaryMetric"]["score"] / batch
        allocated = next(m["score"] for k, m in result["secondaryMetrics"].items() if k.endswith("gc.alloc.rate.norm"))
        figures[caller, method, batch] = (nanos, allocated / batch)
    return figures


def measure(arguments):
    jdk = java_home()
    run("make", "-C", HERE / "c", "verbs", env={**os.environ, "JAVA_HOME": str(jdk)})
    classes = class_path(jdk)
    rows = {}
    for _ in range(arguments.rounds):
        c = {batch: c_loop(batch, arguments.seconds) for batch in BATCHES}
        for (caller, what, batch), (nanos, allocated) in jmh(jdk, classes, arguments.seconds).items():
            rows.setdefault((what, batch, "C"), []).append((c[batch][what], 0, 1))
            rows.setdefault((what, batch, caller), []).append((nanos, allocated, nanos / c[batch][what]))
    order = ["C", *CALLERS]
    return [
        {"what": what, "batch": batch, "caller": caller,
         **{key: statistics.median(values) for key, values in zip(("nanos", "bytes", "ratio"), zip(*measured))}}
        for (what, batch, caller), measured in sorted(rows.items(), key=lambda r: (r[0][0], r[0][1], order.index(r[0][2])))
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1, help="of each iteration (default 1)")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--name", default=f"verbs-{datetime.date.today()}")
    arguments = parser.parse_args()
    rows = measure(arguments)
    jdk = next(line for line in (java_home() / "release").read_text().splitlines() if line.startswith("JAVA_RUNTIME_VERSION"))
    report = {"machine": machine(), "jdk": "JDK " + jdk.split('"')[1], "rounds": arguments.rounds, "seconds": arguments.seconds,
              "command": f"benchmarks/verbs.py --rounds {arguments.rounds} --seconds {arguments.seconds}", "rows": rows}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{arguments.name}.json").write_text(json.dumps(report, indent=2) + "\n")
    text = markdown(report)
    (arguments.out / f"{arguments.name}.md").write_text(text)
    print(text, end="")


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}"


def markdown(report):
    lines = ["# Cost of a call through the verbs bindings", "",
             f"{report['machine']}; {report['jdk']}; {report['rounds']} rounds, iterations of "
             f"{report['seconds']} s; `{report['command']}`.",
             "The device completes at once: what is left is the cost of writing and posting, or polling and looking.", ""]
    if report["rounds"] < 3:
        lines += ["A short run: directional.", ""]
    lines += ["| per | in lists of | caller | ns | to C | bytes allocated |", "|---|---|---|---|---|---|"]
    for row in report["rows"]:
        per = "posted request" if row["what"] == "post" else "polled completion"
        lines.append(f"| {per} | {row['batch']} | {row['caller']} | {row['nanos']:.1f} | {row['ratio']:.2f} | {row['bytes']:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
