#!/usr/bin/env python3
"""Fails when a test was skipped for a reason that is not among those below.

    .ci/skipped.py [--allow TEXT]... [--log FILE] [FOLDER]

Reads the reports of surefire in every module below FOLDER (the repository), lists how many tests were skipped for which
reason, and names the tests whose reason is not allowed: what .ci/run installs (a C compiler, an OpenCL device, headers, a
browser) must be there, or what those tests check is not checked by anybody. --allow takes one more reason, as the beginning
of a message. With --log, Maven's output, it also fails when the reports tell of fewer than Maven counted. (They may tell of
more: Maven counts a test once that several classes of a module inherit.)
"""
import argparse
import collections
import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

# A class whose tests are all skipped before the first one begins has a report without tests and without a reason.
WHOLE = "no test was begun of "

# The beginning of the message of a skipped test, and why a host that runs this may not have what it misses.
ALLOWED = {
    # Devices that a host has, or has not.
    "needs a GPU of NVIDIA": "benchmarks/gpu runs them where there is one",
    "no RDMA device: run": "kvwire rig test and rig conformance run them, on virtual hosts",
    WHOLE + "io.kvwire.rdma.DeviceConformanceTest": "the same",
    WHOLE + "io.kvwire.rdma.GpuDeviceTest": "the same",
    WHOLE + "io.kvwire.rdma.ManagedDeviceTest": "the same",
    WHOLE + "io.kvwire.rdma.rig.": "kvwire rig two-hosts runs them, between two virtual hosts",
    "there is no second host here": "the same",
    "this host has RDMA devices": "looks at what is said where there are none",
    "has RDMA devices": "the same",
    # What a wire or a device cannot do by nature, or what shows nothing with a codec or a device between.
    "this device makes no codes": "its blocks are coded on the host",
    "the wire '": "a trait that it says it has not",
    "blocks go through the codec": "these tests look at raw blocks",
    "blocks are memory of": "these tests look at blocks in place",
}


def skipped(folder):
    """All that was skipped: (module, test, reason). An error where there are no reports to read."""
    reports = sorted(Path(folder).glob("*/target/surefire-reports/TEST-*.xml"))
    if not reports:
        raise SystemExit(f"There are no reports of tests below {folder}: run mvn verify first")
    for report in reports:
        module = report.parts[-4]
        name = report.stem.removeprefix("TEST-")
        cases = list(xml.parse(report).iter("testcase"))
        if not cases:
            yield module, name, WHOLE + name
        for case in cases:
            for found in case.findall("skipped"):
                yield module, f"{case.get('classname')}.{case.get('name')}", reason(found)


def reason(found):
    """The first line of what a test was skipped with, without the exception's name."""
    text = (found.get("message") or found.text or "").strip()
    line = text.splitlines()[0] if text else "no reason given"
    return line.removeprefix("org.opentest4j.TestAbortedException: ").removeprefix("Assumption failed: ")


def counted(log):
    """How many tests Maven says were skipped, over all modules."""
    line = re.compile(r"\[(?:INFO|WARNING|ERROR)\] Tests run: \d+, Failures: \d+, Errors: \d+, Skipped: (\d+)(?:, Flakes: \d+)? *")
    return sum(int(found[1]) for found in map(line.fullmatch, Path(log).read_text(errors="replace").splitlines()) if found)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--allow", action="append", default=[], help="the beginning of one more message")
    parser.add_argument("--log", help="what Maven printed")
    options = parser.parse_args(arguments)
    allowed = tuple(ALLOWED) + tuple(options.allow)
    reasons = collections.Counter()
    refused = []
    for module, test, message in skipped(options.folder):
        reasons[message] += 1
        if not message.startswith(allowed):
            refused.append(f"  {module}: {test}: {message}")
    print("Tests skipped, by reason:")
    for reason, count in reasons.most_common():
        print(f"  {count:5} {reason}")
    told = sum(count for message, count in reasons.items() if not message.startswith(WHOLE))
    if options.log and told < counted(options.log):
        print(f"The reports tell of {told} skipped tests, Maven of {counted(options.log)}", file=sys.stderr)
        return 1
    if refused:
        print("Skipped for a reason that is not allowed (.ci/skipped.py):", *refused, sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
