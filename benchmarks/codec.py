#!/usr/bin/env python3
"""Measures the INT8 codec on one core beside memcpy and beside the same arithmetic in C, and writes a report.

    benchmarks/codec.py [--rounds N] [--millis M] [--out FOLDER] [--name NAME]

All of them run in one JVM after each other (JMH), in rounds; a figure is the median of the rounds in GB/s of BF16 elements,
a ratio that of the ratios within a round. memcpy moves the same elements between the same memory; the C code is
c/int8_codec.c, built with -O3 -march=native. Writes NAME.json and NAME.md.
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
LIBRARY = HERE / "target" / "c" / "libint8codec.so"
SLAB = 1 << 20
ENCODE = ("memcpyOut", "encodeInC", "encodeInCSummed")
DECODE = ("memcpyIn", "decodeInC", "decodeInCSummed")
BASELINES = {"encode": ENCODE, "decode": DECODE, "encodeInC": ENCODE, "encodeInCSummed": ENCODE,
             "decodeInC": DECODE, "decodeInCSummed": DECODE}
NAMES = {"encode": "kvwire encode, CRC included", "decode": "kvwire decode, CRC included", "encodeInC": "C encode",
         "encodeInCSummed": "C encode, CRC included", "decodeInC": "C decode", "decodeInCSummed": "C decode, CRC included",
         "memcpyOut": "memcpy, cache to slot", "memcpyIn": "memcpy, slot to cache"}


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


def jmh(jdk, classes, millis):
    """One round: {(cache MiB, benchmark): GB/s}."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "jmh.json"
        run(jdk / "bin" / "java", "--enable-native-access=ALL-UNNAMED", "--add-modules", "jdk.incubator.vector",
            f"-Dkvwire.codec.library={LIBRARY}", "-Xms256m", "-Xmx256m", "-cp", classes,
            "org.openjdk.jmh.Main", "CodecBenchmark", "-f", 1, "-wi", 3, "-w", f"{millis}ms", "-i", 3, "-r", f"{millis}ms",
            "-rf", "json", "-rff", report)
        results = json.loads(report.read_text())
    return {(int(result["params"]["cacheMib"]), result["benchmark"].split(".")[-1]):
            SLAB / result["primaryMetric"]["score"] for result in results}


def rows(rounds):
    for mib, what in sorted(rounds[0], key=lambda key: (-key[0], list(NAMES).index(key[1]))):
        row = {"cacheMib": mib, "what": what, "gigabytesPerSecond": statistics.median(r[mib, what] for r in rounds)}
        if what in BASELINES:
            memcpy, c, summed = BASELINES[what]
            row["toMemcpy"] = statistics.median(r[mib, what] / r[mib, memcpy] for r in rounds)
            row["toC"] = statistics.median(r[mib, what] / r[mib, c] for r in rounds)
            row["toCWithCrc"] = statistics.median(r[mib, what] / r[mib, summed] for r in rounds)
        yield row


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}"


def markdown(report):
    lines = ["# INT8 coding of BF16 on one core", "",
             f"{report['machine']}; {report['jdk']}; {report['compiler']}; {report['rounds']} rounds, iterations of "
             f"{report['millis']} ms; `{report['command']}`.",
             "Slabs of 1 MiB (256 tokens, 8 heads, head dim 128, K and V); GB/s of BF16 elements.", ""]
    if report["rounds"] < 3:
        lines += ["A short run: directional.", ""]
    lines += ["| cache | what | GB/s | to memcpy | to C | to C with CRC |", "|---|---|---|---|---|---|"]
    for row in report["rows"]:
        ratios = [f"{row[key]:.2f}" if key in row else "" for key in ("toMemcpy", "toC", "toCWithCrc")]
        lines.append(f"| {row['cacheMib']} MiB | {NAMES[row['what']]} | {row['gigabytesPerSecond']:.1f} | {' | '.join(ratios)} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--millis", type=int, default=500, help="of each iteration (default 500)")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--name", default=f"codec-{datetime.date.today()}")
    arguments = parser.parse_args()
    run("make", "-C", HERE / "c", "codec")
    jdk = java_home()
    classes = class_path(jdk)
    rounds = [jmh(jdk, classes, arguments.millis) for _ in range(arguments.rounds)]
    release = next(line for line in (jdk / "release").read_text().splitlines() if line.startswith("JAVA_RUNTIME_VERSION"))
    report = {"machine": machine(), "jdk": "JDK " + release.split('"')[1],
              "compiler": run("cc", "--version").splitlines()[0], "rounds": arguments.rounds, "millis": arguments.millis,
              "command": f"benchmarks/codec.py --rounds {arguments.rounds} --millis {arguments.millis}",
              "rows": list(rows(rounds))}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{arguments.name}.json").write_text(json.dumps(report, indent=2) + "\n")
    text = markdown(report)
    (arguments.out / f"{arguments.name}.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
