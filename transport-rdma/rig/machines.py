"""The kinds of machine that a guest can be, and which one it is: how it is started, and what a cable between two is."""

import contextlib
import functools
import os
import socket
import sys
import threading

import usermode
from image import HERE, RigError, boot_files

# Told that it is quick at strings of bytes, a kernel moves memory with "rep movsb", of which QEMU emulates byte by byte.
PROCESSOR = "max,-erms,-fsrm"

# Beyond the system's limit, for who may; anybody else gets as much as that.
SO_SNDBUFFORCE = 32
# Room for what several queue pairs have in flight: guests stall when a cable is full.
CABLE_BYTES = 64 << 20


class Emulated:
    """QEMU with an emulated processor."""

    name = "emulated"
    described = "emulated processors (QEMU TCG)"
    socket_type = socket.SOCK_STREAM

    def prepare(self):
        """Makes what is to be booted where it is missing."""
        boot_files()

    def command(self, guest, words, ends, memory_mib, cpus):
        """The command that is a guest: its words for the kernel, its ends of cables, its memory and processors."""
        kernel, initramfs = boot_files()
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", PROCESSOR, "-smp", str(cpus), "-m", f"{memory_mib}m"]
        command += ["-nographic", "-no-reboot", "-nodefaults", "-serial", f"file:{guest.folder / 'console'}"]
        command += ["-kernel", str(kernel), "-initrd", str(initramfs), "-append", f"console=ttyS0 quiet panic=-1 {' '.join(words)}"]
        command += self.share("host", "/", ",readonly=on,multidevs=remap") + self.share("exchange", guest.folder.resolve(), "")
        for number, end in enumerate(ends):
            command += ["-netdev", f"stream,id=n{number},server=off,addr.type=fd,addr.str={end.fileno()}"]
            command += ["-device", f"virtio-net-pci,netdev=n{number},host_mtu=4200,mac={mac(guest, number)},romfile="]
        return command

    def share(self, tag, folder, more):
        fsdev = f"local,id={tag},path={folder},security_model=none{more}"
        return ["-fsdev", fsdev, "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]

    def processors(self, guest):
        """The processors of this machine that the guest runs on; None for all."""
        return None


class UserMode:
    """A kernel that is a process of its host, and whose processes are: not emulated, one processor each."""

    name = "user-mode"
    described = "a user-mode kernel"
    # Keeps the frames apart.
    socket_type = socket.SOCK_SEQPACKET

    def __init__(self):
        self.lock = threading.Lock()
        self.running = []

    def prepare(self):
        usermode.kernel()

    def command(self, guest, words, ends, memory_mib, cpus):
        command = [str(usermode.kernel()), *usermode.root(HERE / "init-usermode", memory_mib)]
        command += [*words, f"rig.exchange={guest.folder.resolve()}"]
        for number, end in enumerate(ends):
            command.append(f"vec{number}:transport=fd,fd={end.fileno()},mtu=4200,mac={mac(guest, number)}")
        return command

    def processors(self, guest):
        """One alone, which takes turns between a guest's kernel and processes three times as fast as two do; the idlest."""
        with self.lock:
            self.running = [(each, cpu) for each, cpu in self.running if each.process is None or each.process.poll() is None]
            taken = [cpu for _, cpu in self.running]
            chosen = min(os.sched_getaffinity(0), key=lambda cpu: (taken.count(cpu), cpu))
            self.running.append((guest, chosen))
        return {chosen}


EMULATED, USER_MODE = Emulated(), UserMode()


@functools.cache
def machine():
    """The kind of machine to run guests on: as KVWIRE_RIG_MACHINE says, else user-mode where that works."""
    chosen = os.environ.get("KVWIRE_RIG_MACHINE") or "auto"
    kinds = {kind.name: kind for kind in (EMULATED, USER_MODE)}
    if chosen in kinds:
        return kinds[chosen]
    if chosen != "auto":
        raise RigError(f"KVWIRE_RIG_MACHINE={chosen}: no such kind of machine; there are {', '.join(kinds)} and auto")
    try:
        USER_MODE.prepare()
        return USER_MODE
    except RigError as error:
        print(f"rig: on an emulated processor, so some six times slower: {error}", file=sys.stderr, flush=True)
        return EMULATED


def mac(guest, number):
    return f"52:54:00:00:{number:02x}:{guest.number:02x}"


def cable(kind):
    """Both ends of a cable."""
    ends = socket.socketpair(socket.AF_UNIX, kind.socket_type)
    for end in ends:
        for option in (SO_SNDBUFFORCE, socket.SO_SNDBUF):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, option, CABLE_BYTES)
                break
    return ends
