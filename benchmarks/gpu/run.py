#!/usr/bin/env python3
"""Runs every CUDA test and every measurement on this machine's GPU, from the bundle that bundle.py made.

    python3 run.py [--out FOLDER] [--only PARTS] [--cache-bytes N] [--moved-bytes N] [--rounds N] [--simulator FILE]

Needs Python 3.9, NVIDIA's driver, and nothing else: no Java, no network. Writes gpu.json and gpu.md to FOLDER (results)
after each part: GPU, driver, commands, tests, figures beside their limits in the same run. With --only, the other parts stay
there as an earlier run left them. Ends with 2 where there is no GPU, and with 1 where a test failed, was skipped that must not
be, or a measurement failed. A target that was missed is marked in the table, and is no failure.

--simulator rehearses all of it without a GPU, on the libcuda.so.1 that the build of native leaves in target/cuda-simulator:
whether everything is in the bundle. Its figures say nothing.
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
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What runs in a JVM of its own. The conformance suite on a device's memory is not here: it reads what only a simulated GPU lets it.
TESTS = {
    "native": ["--select-package=io.kvwire.ffi.cuda"],
    "memory": ["--select-package=io.kvwire.pcie.cuda"],
    "processes": ["--select-class=io.kvwire.pcie.DeviceProcessesTest"],
    "codes": ["--select-class=io.kvwire.pcie.coded.CodedByCudaTest"],
    "other devices": ["--select-class=io.kvwire.pcie.bounce.CudaToOpenClTest"],
    "model": ["--select-package=io.kvwire.harness.cuda"],
}
# Reasons for which a test may be skipped on a GPU: a simulated driver, a C compiler and OpenCL are not asked for.
MAY_SKIP = ("a real driver does not fail on demand", "no cuda.h", "no C compiler", "OpenCL")
# On a simulated one, also what needs the real one.
MAY_SKIP_SIMULATED = (*MAY_SKIP, "needs a GPU of NVIDIA")
SANITIZER_TESTS = ["io.kvwire.ffi.cuda.RowMoverTest", "io.kvwire.pcie.cuda.CudaMemoryTest"]
STEPS = "0,1,2"
PART_SECONDS = 1800
# Where containers have the driver and the tools, whether or not PATH says so.
TOOLS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/nvidia/bin", "/usr/local/cuda/bin"])
LIBRARIES = list(filter(None, [os.environ.get("LD_LIBRARY_PATH"), "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib"]))
commands = []
simulated = False
folder = HERE


def java(*arguments, before=()):
    command = [*before, str(HERE / "jre/bin/java"), "--enable-native-access=ALL-UNNAMED", "--add-modules", "jdk.incubator.vector",
               "--sun-misc-unsafe-memory-access=allow", "-cp", str(HERE / "lib") + "/*", *map(str, arguments)]
    commands.append(" ".join(command).replace(str(HERE), "."))
    environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(LIBRARIES)}
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=PART_SECONDS, cwd=folder, env=environment)
    except subprocess.TimeoutExpired as e:
        said = [text.decode(errors="replace") if isinstance(text, bytes) else text or "" for text in (e.stdout, e.stderr)]
        return subprocess.CompletedProcess(command, 124, said[0], said[1] + f"\nnot done after {PART_SECONDS} s")


def simulate(simulator, scratch):
    """Has everything run on a simulated driver, which tests look for where the module native has it."""
    global folder, simulated
    place = Path(scratch) / "native/target/cuda-simulator"
    place.mkdir(parents=True)
    shutil.copy(simulator, place / "libcuda.so.1")
    LIBRARIES.insert(0, str(place))
    simulated = True
    folder = Path(scratch) / "native"


def unpack_java():
    if not (HERE / "jre").is_dir():
        shutil.unpack_archive(HERE / "jre.tar.gz", HERE)


def console(*selection, before=()):
    return java("org.junit.platform.console.ConsoleLauncher", "execute", "--disable-banner", "--disable-ansi-colors",
                "--details=tree", *selection, before=before)


def nvidia_smi():
    tool = shutil.which("nvidia-smi", path=TOOLS)
    if not tool:
        return {}
    fields = ["name", "driver_version", "memory.total", "pci.bus_id", "clocks.max.memory", "power.limit"]
    out = subprocess.run([tool, "--query-gpu=" + ",".join(fields), "--format=csv,noheader"], capture_output=True, text=True)
    lines = out.stdout.strip().splitlines()
    return dict(zip(fields, (value.strip() for value in lines[0].split(",")))) if out.returncode == 0 and lines else {}


def tests():
    """One JVM for each group, as in the build."""
    results, failed = {}, False
    may_skip = MAY_SKIP_SIMULATED if simulated else MAY_SKIP
    for group, selection in TESTS.items():
        run = console(*selection)
        counts = {kind: int(number) for number, kind in re.findall(r"\[ *(\d+) tests (\w+) *\]", run.stdout)}
        skipped = [line.strip("│├└─╷ ") for line in run.stdout.splitlines() if "↷" in line or "■" in line]
        unexpected = [line for line in skipped if not any(allowed in line for allowed in may_skip)]
        results[group] = {"counts": counts, "skipped": skipped}
        # A process that a test ended has no counts; a group may be skipped as a whole, where that is allowed.
        wrong = run.returncode != 0 or unexpected or not (counts.get("successful") or skipped)
        if wrong:
            failed = True
            results[group]["output"] = (run.stdout + run.stderr)[-20000:]
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
    checker = shutil.which("compute-sanitizer", path=TOOLS)
    if simulated or not checker:
        return {"left out": "no compute-sanitizer in PATH; it comes with the CUDA toolkit"}, False
    results, failed = {}, False
    for tool in ("memcheck", "racecheck"):
        before = [checker, "--tool", tool, "--target-processes", "all", "--error-exitcode", "9"]
        run = console(*("--select-class=" + test for test in SANITIZER_TESTS), before=before)
        clean = run.returncode == 0
        results[tool] = "clean" if clean else (run.stdout + run.stderr)[-8000:]
        failed |= not clean
    return results, failed


def table(report):
    gpu = report["gpu"]
    lines = [f"# On {gpu.get('name', 'a GPU')}", "", f"{report['date']}, driver {gpu.get('driver_version')}, {report['host']}. "
             "Figures beside a target are ratios in this run, unless they name a unit.", ""]
    values = report.get("measurements", {})
    if values:
        lines += ["| measurement | value | target |", "|---|---|---|"]
        lines += [f"| {name} | {value} | {values.get(name + ': target', '')} |"
                  for name, value in values.items() if isinstance(value, (int, float))]
        lines += [values["failed"]] if "failed" in values else []
        lines.append("")
    if "tests" in report:
        lines += ["| tests | counts |", "|---|---|"]
        lines += [f"| {group} | {result['counts']} |" for group, result in report["tests"].items()] + [""]
    if "sanitizer" in report:
        lines += ["compute-sanitizer: " + ", ".join(f"{k}: {str(v)[:200]}" for k, v in report["sanitizer"].items()), ""]
    if "demo" in report:
        lines += ["```", report["demo"].get("text", report["demo"].get("failed", "")).rstrip(), "```", ""]
    lines += ["Commands:", "", "```", *report["commands"], "```", ""]
    return "\n".join(lines)


PARTS = {"tests": lambda _: tests(), "measurements": measurements, "demo": lambda options: demo(options.out),
         "sanitizer": lambda _: sanitizer()}


def begun(options, gpu):
    """The report that parts are added to: of this GPU today, or where others were run before, that one."""
    report = {"date": datetime.date.today().isoformat(), "gpu": gpu,
              "host": f"{platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}"}
    before = options.out / "gpu.json"
    if options.only != list(PARTS) and before.is_file():
        former = json.loads(before.read_text())
        if former["gpu"] == gpu:
            report = {**former, **report}
            commands[:0] = former["commands"]
    return report


def parts(text):
    named = text.split(",")
    unknown = set(named) - set(PARTS)
    if unknown:
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return [part for part in PARTS if part in named]


def run(options, gpu):
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    report = begun(options, gpu)
    failed = False
    for part in options.only:
        print(part, "...", flush=True)
        report[part], wrong = PARTS[part](options)
        failed |= wrong
        report["commands"] = commands
        (options.out / "gpu.json").write_text(json.dumps(report, indent=2) + "\n")
        (options.out / "gpu.md").write_text(table(report))
    print(table(report))
    print("FAILED: see gpu.json" if failed else "nothing failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--only", type=parts, default=list(PARTS), metavar="PARTS", help="some of " + ",".join(PARTS))
    parser.add_argument("--cache-bytes", type=int, default=4 << 30, help="cache that blocks are scattered over")
    parser.add_argument("--moved-bytes", type=int, default=1 << 30, help="at most 1 GiB")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--simulator", type=Path, metavar="FILE", help="rehearse on a simulated driver")
    options = parser.parse_args()
    unpack_java()
    version = java("-version")
    said = [line for line in version.stderr.splitlines() if "version" in line]
    print(said[0] if version.returncode == 0 and said else "the bundled Java does not start: " + version.stderr)
    if options.simulator:
        with tempfile.TemporaryDirectory() as scratch:
            simulate(options.simulator.resolve(), scratch)
            return run(options, {"name": "a simulated GPU"})
    if not Path("/dev/nvidiactl").exists():
        print("no GPU of NVIDIA here: there is no /dev/nvidiactl")
        # The bundle itself is sound when the library says so too.
        print(console("--select-class=io.kvwire.ffi.cuda.DriverTest").stdout[-400:])
        return 2
    return run(options, nvidia_smi())


if __name__ == "__main__":
    sys.exit(main())
