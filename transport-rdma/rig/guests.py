"""Boots guests, follows the command that runs in each, and ends them all, however this process ends."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from image import HERE, RigError
from machines import cable, machine

PR_SET_PDEATHSIG = 1

# What the script `guest` says when it could not set up its devices; no command ends so by itself.
NO_DEVICE = 999
# Set when whoever waits for guests in other threads has given up.
ENDING = threading.Event()
LIBC = ctypes.CDLL(None, use_errno=True)


class Guest:
    """One virtual host: the folder it shares with us, its command, and the process that it is."""

    def __init__(self, number, folder, command):
        self.number = number
        self.folder = folder
        self.process = None
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in ("status", "output", "machine", "console", "other-ended"):
            (folder / old).unlink(missing_ok=True)
        (folder / "output").touch()
        (folder / "command").write_text(command + "\n")

    def status(self):
        """The exit status of the command, or nothing while it runs."""
        with contextlib.suppress(FileNotFoundError):
            text = (self.folder / "status").read_text().strip()
            return int(text) if text else None
        return None

    def console(self):
        """What the machine and its kernel have said."""
        files = (self.folder / "machine", self.folder / "console")
        return "\n".join(file.read_text(errors="replace").strip() for file in files if file.exists())


def die_with_parent():
    """Has the kernel kill this child as soon as its parent is gone, even when that was killed itself."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run_guests(commands, folder, *, rails=1, timeout=600, memory_mib=3072, cpus=None, kind=None, hide=None, label=None):
    """Runs one command in each of one or two guests.

    Returns the exit statuses in order. Whatever the commands leave in $RIG_EXCHANGE lies in FOLDER/1 and FOLDER/2
    afterwards, beside their output. Raises RigError when a guest does not boot or a command does not end in time. When one
    command fails, the other guest has a little time left to end as well. When one succeeds, $RIG_EXCHANGE/other-ended
    appears in the other, for a server to end by. Lines in which HIDE is found are not printed, and LABEL stands before those
    that are. May run in several threads at once; those other than the main one end when ENDING is set. CPUS counts where the
    KIND of machine has more than one.
    """
    kind = kind or machine()
    kind.prepare()
    guests = [Guest(n, pathlib.Path(folder) / str(n), c) for n, c in enumerate(commands, start=1)]
    hosts = len(guests)
    cables = [cable(kind) for _ in range(rails + 1)] if hosts == 2 else []
    cpus = cpus or (2 if hosts == 1 else 1)
    main = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)) if main else None
    try:
        for guest in guests:
            ends = [pair[guest.number - 1] for pair in cables]
            words = [f"rig.guest={HERE / 'guest'}", f"rig.host={guest.number}", f"rig.hosts={hosts}", f"rig.rails={rails}"]
            guest.process = start(guest, kind, kind.command(guest, words, ends, memory_mib, cpus), ends)
        for ends in cables:
            for end in ends:
                end.close()
        with followed(guests, hide, label):
            wait(guests, timeout)
        return [guest.status() for guest in guests]
    finally:
        for guest in guests:
            if guest.process:
                kill(guest.process)
        if main:
            signal.signal(signal.SIGTERM, previous)


def start(guest, kind, command, ends):
    processors = kind.processors(guest)

    def prepare():
        die_with_parent()
        if processors:
            os.sched_setaffinity(0, processors)

    with open(guest.folder / "machine", "wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[end.fileno() for end in ends],
            start_new_session=True,
            preexec_fn=prepare,
        )


def kill(process):
    """Ends a guest, with all the processes that it is."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait(guests, timeout):
    """Until every guest is off; a command that fails gives the others ten more seconds."""
    deadline = time.monotonic() + timeout
    given_up = None
    while any(guest.process.poll() is None for guest in guests):
        if ENDING.is_set():
            raise RigError("ended with another run")
        if time.monotonic() > deadline:
            raise RigError(f"not done after {timeout} s; what was printed so far: {guests[0].folder.parent}")
        if given_up and time.monotonic() > given_up:
            break
        for guest in guests:
            if guest.process.poll() is not None:
                check_end(guest)
                for other in guests:
                    (other.folder / "other-ended").touch()
                if guest.status() != 0 and given_up is None:
                    given_up = time.monotonic() + 10
        time.sleep(0.1)
    for guest in guests:
        if guest.process.poll() is not None:
            check_end(guest)


def check_end(guest):
    """Raises RigError when a guest ended for another reason than that its command did."""
    status = guest.status()
    if status is None:
        raise RigError(f"guest {guest.number} ended before its command did:\n{guest.console()[-2000:]}")
    if status == NO_DEVICE:
        raise RigError(f"guest {guest.number} has no RDMA device:\n{guest.console()[-2000:]}")


@contextlib.contextmanager
def followed(guests, hide, label):
    """Prints what the commands print while they run; each line says whose it is where that is not plain."""
    over = threading.Event()
    prefixes = [f"[{label or guest.number}] " if label or len(guests) > 1 else "" for guest in guests]
    threads = [threading.Thread(target=follow, args=(*each, hide, over)) for each in zip(guests, prefixes)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def follow(guest, prefix, hide, over):
    with open(guest.folder / "output", errors="replace") as output:
        rest = ""
        last = False
        while not last:
            last = over.is_set()
            *lines, rest = (rest + output.read()).split("\n")
            if last and rest:
                lines.append(rest)
            for line in lines:
                if not (hide and hide.search(line)):
                    print(prefix + line, flush=True)
            over.wait(0.2)
