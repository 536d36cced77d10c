"""How the classes for guests are packed and archived. Boots no guest; runs a JVM of the JDK that the launcher finds."""

import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import classes

MAIN = """
package it;
class Main { public static void main(String[] args) { Runnable said = () -> System.out.println(Other.WORD); said.run(); } }
class Other { static final String WORD = "said".concat("!"); }
class Never {}
"""
FLAGS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


class ClassesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.work = pathlib.Path(scratch.name) / "rig"
        self.source = pathlib.Path(scratch.name) / "source"
        self.source.mkdir()
        patch = mock.patch.object(classes, "WORK", self.work)
        patch.start()
        self.addCleanup(patch.stop)

    def jar(self):
        """Packs what MAIN is compiled to."""
        (self.source / "Main.java").write_text(MAIN)
        subprocess.run([classes.java_home() / "bin" / "javac", "-d", self.source, self.source / "Main.java"], check=True)
        return classes.packed(self.source, self.work / "classes", "it")

    def archive(self, jar, trainings):
        """Archives a jar; returns the archive and the lines that were printed."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            file = classes.archive("it", str(jar), FLAGS, trainings)
        return file, said.getvalue().splitlines()

    def test_the_same_classes_are_the_same_jar_and_others_are_another(self):
        (self.source / "a").mkdir()
        (self.source / "a" / "A.class").write_bytes(b"1")
        first = classes.packed(self.source, self.work, "it")
        made = first.stat().st_mtime_ns
        self.assertEqual(first, classes.packed(self.source, self.work, "it"))
        self.assertEqual(made, first.stat().st_mtime_ns)
        with zipfile.ZipFile(first) as jar:
            self.assertEqual(["a/", "a/A.class"], jar.namelist())
        (self.source / "a" / "A.class").write_bytes(b"2")
        second = classes.packed(self.source, self.work, "it")
        self.assertNotEqual(first, second)
        with zipfile.ZipFile(second) as jar:
            self.assertEqual(b"2", jar.read("a/A.class"))

    def test_a_jvm_loads_all_classes_of_ours_from_the_archive(self):
        jar = self.jar()
        file, said = self.archive(jar, [("it.Main",)])
        self.assertEqual(1, len(said), said)
        self.assertRegex(said[0], r"archived the classes for guests in \d+ s")
        command = [classes.java(), *FLAGS, f"-XX:SharedArchiveFile={file}", "-Xlog:class+load", "-cp", str(jar)]
        done = subprocess.run([*command, "it.Main"], capture_output=True, text=True, check=True)
        self.assertIn("said!", done.stdout)
        for name in ("it.Main", "it.Other", "it.Main$$Lambda"):
            lines = [line for line in done.stdout.splitlines() if f"] {name}" in line]
            self.assertTrue(lines and all("shared objects file" in line for line in lines), f"{name}: {lines}")

    def test_an_archive_is_kept_while_the_jars_are_the_same(self):
        jar = self.jar()
        first, _ = self.archive(jar, [("it.Main",)])
        made = first.stat().st_mtime_ns
        self.assertEqual((first, []), self.archive(jar, [("it.Main",)]))
        self.assertEqual(made, first.stat().st_mtime_ns)
        (self.source / "more").write_text("changed")
        second, _ = self.archive(self.jar(), [("it.Main",)])
        self.assertNotEqual(first, second)
        self.assertFalse(first.exists())

    def test_one_that_cannot_be_mapped_is_told_and_left_aside(self):
        jar = self.jar()
        file, _ = self.archive(jar, [("it.Main",)])
        file.write_bytes(b"no archive")
        none, said = self.archive(jar, [("it.Main",)])
        self.assertIsNone(none)
        self.assertEqual(1, len(said), said)
        self.assertIn("start without an archive of their classes", said[0])

    def test_lists_of_classes_are_put_together_without_their_numbers(self):
        seen = ["# a comment", "java/lang/Object id: 0", "it/Main id: 7", "it/Odd id: 9 super: 0 source: odd.jar", "@lambda-proxy it/Main run"]
        self.assertEqual(
            ["java/lang/Object", "it/Main", "@lambda-proxy it/Main run", "it/Never"], classes.to_archive(seen, ["it/Main", "it/Never"])
        )

    def test_what_was_changed_or_deleted_later_is_newer(self):
        (self.source / "a").mkdir()
        file = self.source / "a" / "A.java"
        file.write_text("")
        stamp = pathlib.Path(self.work.parent) / "stamp"
        for _ in range(2):
            stamp.touch()
            self.assertFalse(classes.newer(stamp, [self.source, self.work / "missing"]))
            time.sleep(0.05)  # many times what the clock of files ticks in
            file.unlink() if file.exists() else file.write_text("")
            self.assertTrue(classes.newer(stamp, [self.source]))


if __name__ == "__main__":
    unittest.main()
