"""Runs JUnit suites in guests: builds the module here, hands the guest a class path, counts what came back."""

import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as xml

from guests import ENDING, run_guests
from image import HERE, RigError, boot_files

ROOT = HERE.parents[1]
WORK = ROOT / "target" / "rig"

# The emulated CPU is some twenty times slower than a real one, compilers included: only the quick one pays off.
JVM_FLAGS = (
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData --enable-native-access=ALL-UNNAMED "
    "--sun-misc-unsafe-memory-access=allow -Xmx1g -XX:MaxDirectMemorySize=768m "
    "-Djava.net.preferIPv4Stack=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
).split()


def java_home():
    """The JDK that the launcher found; it looks for one when it has not yet."""
    chosen = os.environ.get("KVWIRE_JAVA_HOME")
    if chosen:
        return pathlib.Path(chosen)
    kept = ROOT / "target" / "kvwire" / "jdk"
    if not kept.exists():
        subprocess.run([ROOT / "kvwire", "--version"], stdout=subprocess.DEVNULL, check=True)
    return pathlib.Path(kept.read_text().strip())


def built(module):
    """Compiles a module and its tests; returns their class path.

    The classes are copied, since a guest keeps the files it has read and must not see half of a later build.
    """
    target = ROOT / module / "target"
    listed = target / "rig.classpath"
    command = ["mvn", "-B", "-q", "-Dquick", "-pl", module, "-am", "test-compile", "dependency:build-classpath"]
    command += ["-Dmdep.outputFile=target/rig.classpath"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"JAVA_HOME": str(java_home())})
    if done.returncode != 0:
        raise RigError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    copies = WORK / "classes" / module
    shutil.rmtree(copies, ignore_errors=True)
    path = []
    for entry in [target / "quick" / "test-classes", target / "quick" / "classes", *listed.read_text().strip().split(os.pathsep)]:
        entry = pathlib.Path(entry)
        if entry.is_dir():
            copy = copies / entry.relative_to(ROOT).parts[0] / entry.name
            shutil.copytree(entry, copy)
            entry = copy
        path.append(entry)
    if not any(entry.name.startswith("junit-platform-console") for entry in path):
        raise RigError(f"{module}/pom.xml has no test dependency on junit-platform-console, which runs the tests in a guest")
    return os.pathsep.join(map(str, path))


# The suite says so of tests for what a wire cannot do by its nature, such as checks by the owner of memory.
BY_NATURE = "has not the trait"


def method(case):
    """The method of a test in JUnit's XML, as it is selected: CLASS#METHOD(TYPES), without the number of its arguments."""
    types = re.sub(r"\bString\b", "java.lang.String", case.get("name").partition(")")[0])
    return f"{case.get('classname')}#{types})"


class Counts:
    """What became of the tests of some runs; prints the line that closes a command."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.missing = 0

    def add(self, reports, without=()):
        """Counts the tests in a folder of JUnit's XML reports, those of some methods left out, and says why any was skipped."""
        files = sorted(reports.glob("TEST-*.xml"))
        for file in files:
            for case in xml.parse(file).getroot().iter("testcase"):
                if method(case) in without:
                    continue
                skipped = case.find("skipped")
                if skipped is not None:
                    self.skipped += 1
                    text = f"{skipped.get('message')}{skipped.text}"
                    self.missing += BY_NATURE not in text
                    reason = (skipped.text or skipped.get("message") or "").strip().partition("\n")[0]
                    print(f"skipped: {case.get('classname')}.{case.get('name')}: {reason}")
                elif case.find("failure") is not None or case.find("error") is not None:
                    self.failed += 1
                else:
                    self.passed += 1
        return bool(files)

    def check(self, what, holds, why=""):
        """Counts one check of our own."""
        print(f"{'passed' if holds else 'FAILED'}: {what}{f': {why}' if why and not holds else ''}", flush=True)
        if holds:
            self.passed += 1
        else:
            self.failed += 1

    def close(self):
        """Prints the last line; returns the exit status: a test that was skipped for want of something fails, too."""
        if self.missing:
            print(f"{self.missing} tests were skipped that must not be skipped here")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 0 if self.failed == 0 and self.missing == 0 and self.passed > 0 else 1


def java(classpath, main, *arguments, properties=()):
    """The shell command that runs a class in a guest."""
    words = [*JVM_FLAGS, *properties, "-cp", classpath, main, *arguments]
    # A guest's own disk is gone when it ends.
    return f"{shlex.quote(str(java_home() / 'bin' / 'java'))} -XX:ErrorFile=$RIG_EXCHANGE/jvm-error.log {shlex.join(words)}"


def junit(classpath, selection, properties=()):
    """The shell command that runs tests in a guest; reports and log lie in the exchange folder afterwards."""
    # Class names of any form: which tests run is said by tag or by name.
    arguments = ["execute", "--include-classname=.*", "--details=testfeed", "--disable-banner", "--disable-ansi-colors", "--fail-if-no-tests"]
    command = java(classpath, "org.junit.platform.console.ConsoleLauncher", *arguments, *selection, properties=properties)
    return f"{command} --reports-dir=$RIG_EXCHANGE/reports 2>$RIG_EXCHANGE/log"


def run_junit(name, commands, counts, **options):
    """Boots guests, the first of which runs a JUnit command, and adds up the tests."""
    add_up(name, boot_junit(name, commands, **options), counts)


def boot_junit(name, commands, **options):
    """Boots guests, the first of which runs a JUnit command; returns its status."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    # Starts are in the file for whoever looks for a test that hangs; ends are enough for those who watch.
    return run_guests(commands, folder, hide=re.compile(":: STARTED$"), **options)[0]


def add_up(name, status, counts):
    """Adds up the tests of a run."""
    folder = WORK / name
    failed = counts.failed
    if not counts.add(folder / "1" / "reports"):
        raise RigError(f"{name}: no reports of tests; see {folder}/1/output")
    if status != 0 and counts.failed == failed:
        counts.check(f"{name}: JUnit ended with status {status}, see {folder}/1/output", False)


MODULE = "transport-rdma"
PACKAGE = "io.kvwire.rdma"
# jverbs needs its set of classes, which no JDK has any more; the tests bring one.
PROVIDERS = ("panama", "disni") + (("jverbs",) if any((ROOT / MODULE / "src" / "test").rglob("ibm/net/rdma/jverbs")) else ())

# How long the tests wait for what must happen, in seconds: below the deadline of a transfer.
PATIENCE = "-Dkvwire.tck.patience=25"


# What is the same code whichever way verbs are called: what a codec makes of bytes, which ends fit each other, who may hold
# what for how long, and connecting through rdma_cm.
ABOVE_PROVIDERS = r".*(\$Codecs|\$CodecEdges|\$Layouts|\$Scales|\$TensorParallel|\$Leases|\$Limits|\$Callbacks|ManagedDeviceTest\$\w+)#.*"


def conformance(providers, whole, jobs, timeout):
    """The tests of the RDMA path that need a device, with each provider in a guest of its own, JOBS of them at a time.

    The first provider runs all of them. The others, unless WHOLE, leave out what lies above a provider.
    """
    classpath, counts = built(MODULE), Counts()
    selection = [f"--select-package={PACKAGE}", "--include-tag=rdma-device", "--exclude-tag=two-hosts"]

    def run(provider):
        print(f"--- conformance of the provider {provider}", flush=True)
        left_out = [] if whole or provider == PROVIDERS[0] else [f"--exclude-methodname={ABOVE_PROVIDERS}"]
        command = junit(classpath, selection + left_out, [f"-Dkvwire.rdma.provider={provider}", PATIENCE])
        # One processor: two emulated ones that run code while the JVM patches it have crashed it.
        options = {"timeout": timeout, "rails": 2, "cpus": 1, "label": provider if jobs > 1 else None}
        return boot_junit(f"conformance-{provider}", [command], **options)

    for status, provider in zip(at_a_time(jobs, run, providers), providers):
        add_up(f"conformance-{provider}", status, counts)
    return counts.close()


def at_a_time(jobs, work, items):
    """Yields what WORK returns for each of the items, in their order, with so many under way at a time."""
    if jobs == 1:
        yield from map(work, items)
        return
    boot_files()  # makes them when they are missing, which must not happen twice at a time
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(work, items)
        except BaseException:
            ENDING.set()
            pool.shutdown(cancel_futures=True)
            raise


def failed_tests(reports):
    """The methods of which a test failed in a folder of JUnit's XML reports, as CLASS#METHOD(TYPES)."""
    names = set()
    for file in reports.glob("TEST-*.xml"):
        for case in xml.parse(file).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                names.add(method(case))
    return sorted(names)


def two_hosts(names, again, timeout):
    """Transfers and faults between two guests; what fails is run up to so often AGAIN, by itself in guests of its own."""
    classpath, counts, earlier = built(MODULE), Counts(), []
    status = between_two(classpath, "two-hosts", names, timeout)
    for number in range(2, again + 2):
        failed = failed_tests(WORK / "two-hosts" / "1" / "reports")
        if status == 0 or not failed:
            break
        # What failed is counted by its last run; the reports of the one before are kept beside it.
        print(f"--- again, for the time number {number}: {' '.join(failed)}", flush=True)
        earlier += failed
        before = WORK / f"two-hosts-{number - 1}"
        shutil.rmtree(before, ignore_errors=True)
        (WORK / "two-hosts").rename(before)
        counts.add(before / "1" / "reports", without=failed)
        status = between_two(classpath, "two-hosts", failed, timeout)
    add_up("two-hosts", status, counts)
    if earlier:
        print(f"WARNING: {len(earlier)} failures are not counted, since the tests were run again: {' '.join(earlier)}")
    return counts.close()


def between_two(classpath, name, names, timeout):
    """Boots two guests, the first of which runs the tests of these names, or all; returns its status."""
    selection = [f"--select-{'method' if '#' in each else 'class'}={each}" for each in names]
    selection = selection or [f"--select-package={PACKAGE}.rig", "--include-tag=two-hosts"]
    first = junit(classpath, selection, ["-Dkvwire.rig.orders=10.9.9.2:7000", PATIENCE])
    # No test begins before its orders would be taken.
    first = f"until (: </dev/tcp/10.9.9.2/7000) 2>/dev/null; do sleep 0.2; done\n{first}"
    second = f"exec python3 -B {shlex.quote(str(HERE / 'agent.py'))}"
    return boot_junit(name, [first, second], timeout=timeout)
