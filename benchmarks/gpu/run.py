#!/usr/bin/env python3
"""Runs every CUDA test and every measurement on this machine's GPU, from the bundle that bundle.py made.

    python3 run.py [--out FOLDER] [--cache-bytes N] [--moved-bytes N] [--rounds N]

Needs Python 3.9, NVIDIA's driver, and nothing else: no Java, no network. Writes gpu.json and gpu.md to FOLDER (results):
GPU, driver, commands, tests, figures beside their limits in the same run. Ends with 2 where there is no GPU, and with 1
where a test failed, was skipped that must not be, or a measurement failed. A target that was missed is marked in the
table, and is no failure.
"""
import argparse
import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ["io.kvwire.ffi.cuda", "io.kvwire.pcie.cuda", "io.kvwire.harness.cuda"]
# Reasons for which a test may be skipped on a GPU: a simulated driver, a C compiler and OpenCL are not asked for.
MAY_SKIP = ("a real driver does not fail on demand", "no cuda.h", "no C compiler", "OpenCL")
SANITIZER_TESTS = ["io.kvwire.ffi.cuda.RowMoverTest", "io.kvwire.pcie.cuda.CudaMemoryTest"]
STEPS = "0,1,2"
commands = []


def java(*arguments, before=(), timeout=1800):
    command = [*before, str(HERE / "jre/bin/java"), "--enable-native-access=ALL-UNNAMED", "--add-modules", "jdk.incubator.vector",
               "--sun-misc-unsafe-memory-access=allow", "-cp", str(HERE / "lib") + "/*", *map(str, arguments)]
    commands.append(" ".join(command).replace(str(HERE), "."))
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=HERE)


def unpack_java():
    if not (HERE / "jre").is_dir():
        shutil.unpack_archive(HERE / "jre.tar.gz", HERE)


def console(*selection, before=()):
    return java("org.junit.platform.console.ConsoleLauncher", "execute", "--disable-banner", "--disable-ansi-colors",
                "--details=tree", *selection, before=before)


def nvidia_smi():
    if not shutil.which("nvidia-smi"):
        return {}
    fields = ["name", "driver_version", "memory.total", "pci.bus_id", "clocks.max.memory", "power.limit"]
    out = subprocess.run(["nvidia-smi", "--query-gpu=" + ",".join(fields), "--format=csv,noheader"], capture_output=True, text=True)
    lines = out.stdout.strip().splitlines()
    return dict(zip(fields, (value.strip() for value in lines[0].split(",")))) if out.returncode == 0 and lines else {}


def why_no_gpu():
    if not Path("/dev/nvidiactl").exists():
        return "no GPU of NVIDIA here: there is no /dev/nvidiactl"
    if not nvidia_smi():
        return "nvidia-smi shows no GPU: see that the driver is loaded"
    return ""


def tests():
    """One JVM for each package, as in the build."""
    results, failed = {}, False
    for package in PACKAGES:
        run = console("--select-package=" + package)
        counts = {kind: int(number) for number, kind in re.findall(r"\[ *(\d+) tests (\w+) *\]", run.stdout)}
        skipped = [line.strip("│├└─╷ ") for line in run.stdout.splitlines() if "↷" in line or "■" in line]
        unexpected = [line for line in skipped if not any(allowed in line for allowed in MAY_SKIP)]
        results[package] = {"counts": counts, "skipped": skipped}
        # A process that a test ended has no counts.
        wrong = run.returncode != 0 or not counts.get("successful") or unexpected
        if wrong:
            failed = True
            results[package]["output"] = (run.stdout + run.stderr)[-20000:]
    return results, failed


def measurements(options):
    run = java("io.kvwire.pcie.cuda.GpuMeasurements", options.cache_bytes, options.moved_bytes, options.rounds)
    if run.returncode != 0:
        return {"failed": (run.stdout + run.stderr)[-8000:]}, True
    return json.loads(run.stdout.strip().splitlines()[-1]), False


def demo(out):
    report = out / "demo.json"
    run = java("io.kvwire.harness.cli.Main", "demo", "--steps", STEPS, "--json", report)
    if run.returncode != 0:
        return {"failed": (run.stdout + run.stderr)[-8000:]}, True
    return {"text": run.stdout, "report": json.loads(report.read_text())}, False


def sanitizer():
    """compute-sanitizer where it is installed."""
    if not shutil.which("compute-sanitizer"):
        return {"left out": "no compute-sanitizer in PATH; it comes with the CUDA toolkit"}, False
    results, failed = {}, False
    for tool in ("memcheck", "racecheck"):
        before = ["compute-sanitizer", "--tool", tool, "--target-processes", "all", "--error-exitcode", "9"]
        run = console(*("--select-class=" + test for test in SANITIZER_TESTS), before=before)
        clean = run.returncode == 0
        results[tool] = "clean" if clean else (run.stdout + run.stderr)[-8000:]
        failed |= not clean
    return results, failed


def table(report):
    lines = [f"# On {report['gpu'].get('name', 'a GPU')}", "", f"{report['date']}, driver {report['gpu'].get('driver_version')}, "
             f"{report['host']}. Figures beside a target are ratios in this run, unless they name a unit.", "",
             "| measurement | value | target |", "|---|---|---|"]
    values = report["measurements"]
    for name, value in values.items():
        if isinstance(value, (int, float)):
            lines.append(f"| {name} | {value} | {values.get(name + ': target', '')} |")
    lines += ["", "| tests | counts |", "|---|---|"]
    lines += [f"| {package} | {result['counts']} |" for package, result in report["tests"].items()]
    lines += ["", "compute-sanitizer: " + ", ".join(f"{k}: {str(v)[:200]}" for k, v in report["sanitizer"].items()), ""]
    if "text" in report["demo"]:
        lines += ["```", report["demo"]["text"].rstrip(), "```", ""]
    lines += ["Commands:", "", "```", *report["commands"], "```", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--cache-bytes", type=int, default=4 << 30, help="cache that blocks are scattered over")
    parser.add_argument("--moved-bytes", type=int, default=1 << 30, help="at most 1 GiB")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    unpack_java()
    version = java("-version")
    said = [line for line in version.stderr.splitlines() if "version" in line]
    print(said[0] if version.returncode == 0 and said else "the bundled Java does not start: " + version.stderr)
    missing = why_no_gpu()
    if missing:
        print(missing)
        # The bundle itself is sound when the library says so too.
        print(console("--select-class=io.kvwire.ffi.cuda.DriverTest").stdout[-400:])
        return 2
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    report = {"date": datetime.date.today().isoformat(), "gpu": nvidia_smi(),
              "host": f"{platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}"}
    failed = False
    for name, part in (("tests", tests), ("measurements", lambda: measurements(options)), ("demo", lambda: demo(options.out)),
                       ("sanitizer", sanitizer)):
        print(name, "...", flush=True)
        report[name], wrong = part()
        failed |= wrong
    report["commands"] = commands
    (options.out / "gpu.json").write_text(json.dumps(report, indent=2) + "\n")
    (options.out / "gpu.md").write_text(table(report))
    print(table(report))
    print("FAILED: see gpu.json" if failed else "all tests passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
