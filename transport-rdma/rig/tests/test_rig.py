"""What the rig promises of itself. Boots guests, so it takes a minute or two: python3 -m unittest discover -s tests"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

RIG = pathlib.Path(__file__).resolve().parents[1] / "rig"
sys.path.insert(0, str(RIG.parent))

from machines import EMULATED, machine  # noqa: E402

KINDS = {kind.name for kind in (EMULATED, machine())}


def setUpModule():
    """Builds what is missing, for which no test has the time."""
    machine().prepare()


def rig(*words, kind=machine().name):
    environment = os.environ | {"KVWIRE_RIG_MACHINE": kind}
    return subprocess.run([RIG, *words], capture_output=True, text=True, timeout=300, env=environment)


def machines_of(folder):
    """The processes that are guests which share FOLDER with this host; each leads a session of its own."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
            leads = os.getsid(int(process.name)) == int(process.name)
        except OSError:
            continue
        if leads and str(folder) in command and ("qemu-system" in command or "rig.exchange=" in command):
            found.append(int(process.name))
    return found


def processes_in(sessions):
    """All processes of some sessions: those of a guest that is not emulated are processes of its host."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) in sessions and " Z " not in (process / "stat").read_text():
                found.append(process.name)
        except OSError:
            continue
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
        for kind in KINDS:
            with self.subTest(kind):
                out = self.out / kind
                done = rig("run", "--rails", "2", "--out", out, "ibv_devinfo; touch $RIG_EXCHANGE/left", kind=kind)
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertEqual(2, done.stdout.count("PORT_ACTIVE"), done.stdout)
                self.assertTrue((out / "1" / "left").exists())

    def test_two_guests_reach_each_other_through_rdma(self):
        serve = "ibv_rc_pingpong -d rxe0 -g 1 -c"
        ask = f"for try in $(seq 60); do {serve} 10.9.0.1 && exit 0; sleep 0.5; done; exit 1"
        for kind in KINDS:
            with self.subTest(kind):
                done = rig("run", "--out", self.out / kind, serve, ask, kind=kind)
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                self.assertRegex(done.stdout, r"\[2\] 1000 iters in")

    def test_a_cable_outlasts_its_interface_being_taken_down(self):
        flap = "ip link set eth0 down; ip link set eth0 up; ping() { busybox ping -c 1 -W 1 10.9.0.$((3 - RIG_HOST)); }"
        done = rig("run", "--hosts", "2", "--out", self.out, f"{flap}; for try in $(seq 30); do ping && sleep 3 && exit 0; done; exit 1")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

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
                sessions = machines_of(self.out)
                until(lambda: all((self.out / host / "output").exists() for host in "12"), "both set up")
                running.send_signal(number)
                running.wait(timeout=30)
                until(lambda: not processes_in(sessions), "both guests gone")

    def test_a_kind_of_machine_that_is_none_is_refused(self):
        done = rig("run", "true", kind="imagined")
        self.assertEqual(1, done.returncode)
        self.assertIn("KVWIRE_RIG_MACHINE=imagined", done.stderr)

    def test_what_is_missing_is_said(self):
        done = subprocess.run(
            [sys.executable, RIG, "run", "true"], env={"PATH": "/nonexistent", "HOME": str(self.out)}, capture_output=True, text=True
        )
        self.assertEqual(1, done.returncode)
        self.assertIn("apt-get install qemu-system-x86", done.stderr)


if __name__ == "__main__":
    unittest.main()
