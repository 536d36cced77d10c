"""Runs JUnit suites in guests: hands a guest a class path, counts what came back."""

import concurrent.futures
import re
import shlex
import shutil
import subprocess
import time
import xml.etree.ElementTree as xml

from classes import GUEST_FLAGS, ROOT, WORK, archive, built, java_home, mapped
from guests import ENDING, run_guests
from image import HERE, RigError
from machines import machine

JVM_FLAGS = [
    *GUEST_FLAGS,
    *"-Xmx1g -XX:MaxDirectMemorySize=768m -Djava.net.preferIPv4Stack=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn".split(),
]


# The suite says so of tests for what a wire cannot do by its nature, such as checks by the owner of memory.
BY_NATURE = "has not the trait"


def method(case):
    """The method of a test in JUnit's XML, as it is selected: CLASS#METHOD(TYPES), without the number of its arguments."""
    types = re.sub(r"\bString\b", "java.lang.String", case.get("name").partition(")")[0])
    return f"{case.get('classname')}#{types})"


class Counts:
    """What became of the tests of some runs; prints the line that closes a command. Made when the command begins."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.missing = 0
        self.started = time.monotonic()

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
        print(f"took {time.monotonic() - self.started:.0f} s")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 0 if self.failed == 0 and self.missing == 0 and self.passed > 0 else 1


def java(classpath, main, *arguments, properties=(), classes=None):
    """The shell command that runs a class in a guest, with an archive of its classes where there is one."""
    words = [*mapped(classes), *JVM_FLAGS, *properties, "-cp", classpath, main, *arguments]
    # A guest's own disk is gone when it ends.
    kept = "-XX:ErrorFile=$RIG_EXCHANGE/jvm-error.log -Xlog:cds:file=$RIG_EXCHANGE/classes-%p.log"
    return f"{shlex.quote(str(java_home() / 'bin' / 'java'))} {kept} {shlex.join(words)}"


LAUNCHER = "org.junit.platform.console.ConsoleLauncher"
# Class names of any form: which tests run is said by tag or by name.
DISCOVER = "--include-classname=.* --details=verbose --disable-banner --disable-ansi-colors".split()
EXECUTE = "execute --include-classname=.* --details=testfeed --disable-banner --disable-ansi-colors --fail-if-no-tests".split()


def junit(classpath, selection, properties=(), classes=None):
    """The shell command that runs tests in a guest; reports and log lie in the exchange folder afterwards."""
    command = java(classpath, LAUNCHER, *EXECUTE, *selection, properties=properties, classes=classes)
    return f"{command} --reports-dir=$RIG_EXCHANGE/reports 2>$RIG_EXCHANGE/log"


# Tests that need no device, so run where the archive is made, and load what tests with a device load besides the verbs.
REHEARSED = ["--select-class=io.kvwire.rdma.SimulatedConformanceTest", r"--include-methodname=.*\$(Transfers|Lifecycle|Faults)#.*"]


def discovered(classpath, selection):
    """Options that select the classes among whose tests some are selected, which JUnit tells here: a guest takes long to look."""
    command = [java_home() / "bin" / "java", *JVM_FLAGS, "-cp", classpath, LAUNCHER, "discover", *DISCOVER, *selection]
    done = subprocess.run(command, capture_output=True, text=True)
    names = sorted(set(re.findall(r"\[class:([\w.$]+)\]", done.stdout)))
    if done.returncode != 0 or not names:
        raise RigError(f"JUnit finds no tests by {shlex.join(selection)}:\n{done.stdout}{done.stderr}")
    return [f"--select-class={name}" for name in names]


def tests_archive(classpath):
    """The archive of the classes of this module and its tests, or None."""
    rehearsal = (LAUNCHER, *EXECUTE, *REHEARSED, f"--reports-dir={WORK / 'rehearsal'}")
    return archive("tests", classpath, JVM_FLAGS, [rehearsal])


# What a JVM says of an archive that it uses.
MAPPED = "Mapped static"


def check_archive(folder):
    """Says which JVMs in some guests started without an archive."""
    for log in sorted(folder.glob("[12]/classes-*.log")):
        text = log.read_text(errors="replace")
        if MAPPED not in text:
            print(f"rig: a JVM started without the archive of its classes, so slower: see {log}", flush=True)


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
    check_archive(folder)
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


# Groups of tests by their first letters: those of a provider that runs them all, parted into halves which take about as long.
HALF = r".*\$(?!Codecs#)[A-L]\w*#.*"


def runs_of(provider, whole, jobs):
    """What runs in guests of their own with a provider: pairs of a name and of options that choose among the tests."""
    if not whole and provider != PROVIDERS[0]:
        return [(provider, [f"--exclude-methodname={ABOVE_PROVIDERS}"])]
    if jobs == 1:
        return [(provider, [])]
    return [(f"{provider}-1", [f"--include-methodname={HALF}"]), (f"{provider}-2", [f"--exclude-methodname={HALF}"])]


def conformance(providers, whole, jobs, timeout):
    """The tests of the RDMA path that need a device, with each provider in guests of its own, JOBS of them at a time.

    The first provider runs all of them. The others, unless WHOLE, leave out what lies above a provider. Where guests run at a
    time, one that runs all of them is two guests' work, so that no processor is idle long before the end.
    """
    counts, classpath = Counts(), built(MODULE)
    classes = tests_archive(classpath)
    tags = ["--include-tag=rdma-device", "--exclude-tag=two-hosts"]
    selection = discovered(classpath, [f"--select-package={PACKAGE}", *tags]) + tags
    runs = [(name, provider, chosen) for provider in providers for name, chosen in runs_of(provider, whole, jobs)]

    def run(each):
        name, provider, chosen = each
        print(f"--- conformance of the provider {provider}{'' if name == provider else f' ({name})'}", flush=True)
        command = junit(classpath, selection + chosen, [f"-Dkvwire.rdma.provider={provider}", PATIENCE], classes)
        # One processor: two emulated ones that run code while the JVM patches it have crashed it.
        options = {"timeout": timeout, "rails": 2, "cpus": 1, "label": name if jobs > 1 else None}
        started = time.monotonic()
        status = boot_junit(f"conformance-{name}", [command], **options)
        print(f"--- {name}: done in {time.monotonic() - started:.0f} s", flush=True)
        return status

    for status, (name, *_) in zip(at_a_time(jobs, run, runs), runs):
        add_up(f"conformance-{name}", status, counts)
    return counts.close()


def at_a_time(jobs, work, items):
    """Yields what WORK returns for each of the items, in their order, with so many under way at a time."""
    if jobs == 1:
        yield from map(work, items)
        return
    machine().prepare()  # makes what is missing, which must not happen twice at a time
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
    counts, classpath, earlier = Counts(), built(MODULE), []
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


def in_package(name):
    """The full name of a test of these, CLASS or CLASS#METHOD, of which a person gives the last part."""
    return name if "." in name.partition("#")[0] else f"{PACKAGE}.rig.{name}"


def between_two(classpath, name, names, timeout):
    """Boots two guests, the first of which runs the tests of these names, or all; returns its status."""
    selection = [f"--select-{'method' if '#' in each else 'class'}={in_package(each)}" for each in names]
    if not selection:
        tag = "--include-tag=two-hosts"
        selection = [*discovered(classpath, [f"--select-package={PACKAGE}.rig", tag]), tag]
    first = junit(classpath, selection, ["-Dkvwire.rig.orders=10.9.9.2:7000", PATIENCE], tests_archive(classpath))
    # No test begins before its orders would be taken.
    first = f"until (: </dev/tcp/10.9.9.2/7000) 2>/dev/null; do sleep 0.2; done\n{first}"
    second = f"exec python3 -B {shlex.quote(str(HERE / 'agent.py'))}"
    return boot_junit(name, [first, second], timeout=timeout)
