"""How tests in guests are counted and run again. Boots no guest."""

import contextlib
import io
import pathlib
import shlex
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import suites

CASES = """<testsuite>
<testcase name="loses(int)[2]" classname="io.example.CableTest">{first}</testcase>
<testcase name="refuses(String, int)[1]" classname="io.example.KeyTest">{second}</testcase>
<testcase name="ends()" classname="io.example.KeyTest"/>
</testsuite>"""
FAILURE = "<failure>no</failure>"


class AgainTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.work = pathlib.Path(scratch.name)
        self.runs = []

    def two_hosts(self, again, *reports):
        """Runs with the reports of one run after the other; returns the status and the last line."""
        left = list(reports)

        def between_two(classpath, name, names, timeout):
            self.runs.append(names)
            text = left.pop(0)
            folder = self.work / name / "1" / "reports"
            folder.mkdir(parents=True)
            (folder / "TEST-it.xml").write_text(text)
            return int(FAILURE in text)

        said = io.StringIO()
        with mock.patch.multiple(suites, WORK=self.work, between_two=between_two, built=lambda module: "a.jar"):
            with contextlib.redirect_stdout(said):
                status = suites.two_hosts([], again, 60)
        return status, said.getvalue().splitlines()[-1]

    def test_what_fails_fails_when_it_is_not_run_again(self):
        result = self.two_hosts(0, CASES.format(first=FAILURE, second=""))
        self.assertEqual((1, "2 passed, 1 failed, 0 skipped"), result)

    def test_only_what_failed_is_run_again_and_its_last_run_counts(self):
        one = '<testsuite><testcase name="refuses(String, int)[1]" classname="io.example.KeyTest"/></testsuite>'
        result = self.two_hosts(2, CASES.format(first="", second=FAILURE), one)
        self.assertEqual((0, "3 passed, 0 failed, 0 skipped"), result)
        self.assertEqual([[], ["io.example.KeyTest#refuses(java.lang.String, int)"]], self.runs)

    def test_what_fails_each_time_fails(self):
        one = f'<testsuite><testcase name="loses(int)[2]" classname="io.example.CableTest">{FAILURE}</testcase></testsuite>'
        result = self.two_hosts(2, CASES.format(first=FAILURE, second=FAILURE), one, one)
        self.assertEqual(1, result[0])
        self.assertEqual(3, len(self.runs))


class NameTest(unittest.TestCase):
    def test_the_last_part_of_a_name_is_enough(self):
        package = "io.kvwire.rdma.rig"
        self.assertEqual(f"{package}.KeyFaultsTest", suites.in_package("KeyFaultsTest"))
        self.assertEqual(f"{package}.KeyFaultsTest#a(java.lang.String)", suites.in_package("KeyFaultsTest#a(java.lang.String)"))
        self.assertEqual("other.Test#a", suites.in_package("other.Test#a"))


class ConformanceTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.work = pathlib.Path(scratch.name)
        self.labels = []
        self.commands = {}

    def conformance(self, jobs, failing=None, whole=False):
        def run_guests(commands, folder, *, label=None, **options):
            self.labels.append(label)
            self.commands[folder.name] = shlex.split(commands[0])
            fails = failing is not None and folder.name.endswith(failing)
            reports = folder / "1" / "reports"
            reports.mkdir(parents=True)
            (reports / "TEST-it.xml").write_text(CASES.format(first=FAILURE if fails else "", second=""))
            return [int(fails)]

        said = io.StringIO()
        replaced = {"run_guests": run_guests, "built": lambda module: "a.jar", "machine": mock.Mock}
        replaced |= {"discovered": lambda classpath, selection: selection, "tests_archive": lambda classpath: None}
        replaced |= {"java_home": lambda: pathlib.Path("jdk")}
        with mock.patch.multiple(suites, WORK=self.work, **replaced):
            with contextlib.redirect_stdout(said):
                status = suites.conformance(("panama", "disni", "jverbs"), whole, jobs, 60)
        return status, said.getvalue().splitlines()[-1]

    def test_every_provider_counts_one_after_the_other(self):
        self.assertEqual((0, "9 passed, 0 failed, 0 skipped"), self.conformance(1))
        self.assertEqual([None] * 3, self.labels)

    def test_every_provider_counts_two_at_a_time_and_is_told_apart(self):
        self.assertEqual((0, "12 passed, 0 failed, 0 skipped"), self.conformance(2))
        self.assertEqual({"panama-1", "panama-2", "disni", "jverbs"}, set(self.labels))

    def test_one_that_fails_fails_them_all(self):
        self.assertEqual((1, "11 passed, 1 failed, 0 skipped"), self.conformance(2, failing="disni"))

    def test_both_halves_of_a_provider_are_all_of_its_tests(self):
        self.conformance(2, whole=True)
        for provider in ("panama", "disni", "jverbs"):
            first, second = (self.commands[f"conformance-{provider}-{half}"] for half in (1, 2))
            self.assertIn(f"-Dkvwire.rdma.provider={provider}", first)
            differing = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
            half = suites.HALF
            self.assertEqual([(f"--include-methodname={half}", f"--exclude-methodname={half}")], differing)

    def test_a_provider_that_leaves_something_out_is_not_halved(self):
        self.conformance(2)
        self.assertNotIn("conformance-disni-1", self.commands)
        self.assertIn(f"--exclude-methodname={suites.ABOVE_PROVIDERS}", self.commands["conformance-disni"])

    def test_a_jvm_that_starts_without_its_archive_is_told(self):
        for number, text in (("1", f"[info][cds] {suites.MAPPED} #0"), ("2", "[warning][cds] another JDK")):
            folder = self.work / "it" / number
            folder.mkdir(parents=True)
            (folder / "classes-42.log").write_text(text)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            suites.check_archive(self.work / "it")
        line = f"rig: a JVM started without the archive of its classes, so slower: see {self.work}/it/2/classes-42.log"
        self.assertEqual([line], said.getvalue().splitlines())


if __name__ == "__main__":
    unittest.main()
