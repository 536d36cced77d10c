"""What the rig promises of itself. Boots guests, so it takes a minute or two: python3 -m unittest discover -s tests"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

RIG = pathlib.Path(__file__).resolve().parents[1] / "rig"


def rig(*words):
    return subprocess.run([RIG, *words], capture_output=True, text=True, timeout=300)


def machines_of(folder):
    """The QEMU processes that share FOLDER with their guests."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
        except OSError:
            continue
        if "qemu-system" in command and str(folder) in command:
            found.append(process.name)
    return found


def until(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class RigTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.out = pathlib.Path(scratch.name)
        self.addCleanup(lambda: self.assertEqual([], machines_of(self.out), "left behind"))

    def test_a_guest_has_an_active_device_on_every_rail(self):
        done = rig("run", "--rails", "2", "--out", self.out, "ibv_devinfo; touch $RIG_EXCHANGE/left")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(2, done.stdout.count("PORT_ACTIVE"), done.stdout)
        self.assertTrue((self.out / "1" / "left").exists())

    def test_two_guests_reach_each_other_through_rdma(self):
        serve = "ibv_rc_pingpong -d rxe0 -g 1 -c"
        ask = f"for try in $(seq 60); do {serve} 10.9.0.1 && exit 0; sleep 0.5; done; exit 1"
        done = rig("run", "--out", self.out, serve, ask)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\[2\] 1000 iters in")

    def test_the_status_of_a_command_is_handed_on_and_the_other_guest_ended(self):
        done = rig("run", "--out", self.out, "echo said; exit 7", "sleep 300")
        self.assertEqual(7, done.returncode, done.stderr)
        self.assertIn("[1] said", done.stdout)

    def test_a_guest_sees_the_temporary_files_of_its_host_and_changes_none(self):
        seen = self.out / "seen"
        seen.write_text("by both")
        done = rig("run", f"cat {seen}; echo mine >{seen}; cat {seen}; touch {self.out}/made")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual("by bothmine\n", done.stdout)
        self.assertEqual("by both", seen.read_text())
        self.assertFalse((self.out / "made").exists())

    def test_a_command_that_takes_too_long_ends_with_its_guest(self):
        done = rig("run", "--out", self.out, "--timeout", "15", "sleep 300")
        self.assertEqual(1, done.returncode)
        self.assertIn("not done after 15 s", done.stderr)

    def test_no_guest_outlives_a_rig_that_is_stopped_or_killed(self):
        # What a shell starts in the background ignores SIGINT, and hands that on to all that it starts.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            with self.subTest(signal=number.name):
                running = subprocess.Popen([RIG, "run", "--hosts", "2", "--out", self.out, "sleep 300"], stderr=subprocess.DEVNULL)
                until(lambda: len(machines_of(self.out)) == 2, "two guests")
                running.send_signal(number)
                running.wait(timeout=30)
                until(lambda: not machines_of(self.out), "both guests gone")

    def test_what_is_missing_is_said(self):
        done = subprocess.run(
            [sys.executable, RIG, "run", "true"], env={"PATH": "/nonexistent", "HOME": str(self.out)}, capture_output=True, text=True
        )
        self.assertEqual(1, done.returncode)
        self.assertIn("apt-get install qemu-system-x86", done.stderr)


if __name__ == "__main__":
    unittest.main()
