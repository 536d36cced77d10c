import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import skipped

# As surefire reports an assumption that does not hold.
CASE = """<testcase name="{}" classname="io.kvwire.SomeTest"><skipped type="org.opentest4j.TestAbortedException"><![CDATA[\
org.opentest4j.TestAbortedException: Assumption failed: {}
\tat io.kvwire.SomeTest.needsIt(SomeTest.java:7)
]]></skipped></testcase>"""
RAN = '<testcase name="ran" classname="io.kvwire.SomeTest"/>'


class SkippedTest(unittest.TestCase):
    def run_on(self, *cases, arguments=(), others=RAN):
        """The status, and what is said, about a module with these skipped tests and others in its report."""
        with tempfile.TemporaryDirectory() as folder:
            reports = Path(folder, "native", "target", "surefire-reports")
            reports.mkdir(parents=True)
            text = "".join(CASE.format(*case) for case in cases)
            (reports / "TEST-io.kvwire.SomeTest.xml").write_text(
                f'<testsuite name="x" tests="0">{others}{text}</testsuite>')
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                status = skipped.main([*arguments, folder])
        return status, out.getvalue()

    def test_a_test_that_a_device_is_missing_for_is_allowed(self):
        status, said = self.run_on(("a", "needs a GPU of NVIDIA: there is no /dev/nvidiactl here"))
        self.assertEqual(0, status)
        self.assertIn("1 needs a GPU of NVIDIA", said)

    def test_a_test_without_compiler_is_named(self):
        status, said = self.run_on(("a", "no RDMA device: run it with transport-rdma/rig"),
                                   ("b", "no C compiler, cc, on the PATH"))
        self.assertEqual(1, status)
        self.assertIn("native: io.kvwire.SomeTest.b: no C compiler", said)
        self.assertNotIn("SomeTest.a", said)

    def test_a_class_without_tests_in_its_report_is_named(self):
        status, said = self.run_on(others="")
        self.assertEqual(1, status)
        self.assertIn("native: io.kvwire.SomeTest: no test was begun of io.kvwire.SomeTest", said)
        allowed = ("--allow", "no test was begun of io.kvwire.Some")
        self.assertEqual(0, self.run_on(others="", arguments=allowed)[0])

    def test_a_disabled_test_is_named_with_its_reason(self):
        for skipped_as, reason in (('message="not now"', "not now"), ("", "no reason given")):
            status, said = self.run_on(others=f'<testcase name="c" classname="Other"><skipped {skipped_as}/></testcase>')
            self.assertEqual(1, status)
            self.assertIn(f"native: Other.c: {reason}", said)

    def test_a_reason_can_be_allowed_for_once(self):
        status, _ = self.run_on(("a", "no cuda.h: name it"), arguments=("--allow", "no cuda.h"))
        self.assertEqual(0, status)

    def test_nothing_skipped_is_well(self):
        self.assertEqual(0, self.run_on()[0])

    def test_no_reports_are_an_error(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(SystemExit):
            skipped.main([folder])

    def test_a_skipped_test_that_no_report_tells_of_is_an_error(self):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write("[WARNING] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 1 s -- in SomeTest\n"
                      "[WARNING] Tests run: 9, Failures: 0, Errors: 0, Skipped: 1\n[INFO] Tests run: 2, Failures: 0,"
                      " Errors: 0, Skipped: 1, Flakes: 1\n")
            log.flush()
            case = ("a", "needs a GPU of NVIDIA")
            for cases in ((case, case), (case, case, case)):
                self.assertEqual(0, self.run_on(*cases, arguments=("--log", log.name))[0])
            status, said = self.run_on(case, arguments=("--log", log.name))
            self.assertEqual(1, status)
            self.assertIn("tell of 1 skipped tests, Maven of 2", said)


if __name__ == "__main__":
    unittest.main()
