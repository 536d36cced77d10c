"""The kernel of a user-mode guest: the distribution's source, built as a program that runs guests as processes of its own.

No processor is emulated, so what a guest computes takes as long as on its host, and only its calls of the kernel and its page
faults take longer. The kernel is built once, in some six minutes on two processors, and kept in the cache folder.
"""

import hashlib
import os
import pathlib
import re
import subprocess
import tempfile
import time

from image import HERE, RigError, cache_folder, run, which

CONFIG = HERE / "usermode.config"
TOOLS = "make gcc bison flex bc xz busybox rdma".split()
PACKAGES = "make gcc libc6-dev bison flex bc xz-utils busybox-static iproute2 rdma-core ibverbs-providers ibverbs-utils"
OPTIONS = ["ARCH=um", "SUBARCH=x86_64"]

# What a guest needs beyond Linux 6.1: a file, what is in it, what takes its place.
EDITS = (
    # Room for the registers of processors with AMX, which take 11 KiB; with less, no process starts there.
    ("arch/x86/um/user-offsets.c", r"(HOST_FP_SIZE), \d+\)", r"\1, 12288)"),
    # The processes of a guest end with it, also when it is killed.
    (
        "arch/um/os-Linux/skas/process.c",
        r"\(void \*\) ?PTRACE_O_TRACESYSGOOD\b",
        "(void *) (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)",
    ),
    # A cable is a descriptor, which must outlast its interface being taken down. What came in meanwhile is dropped, as it
    # would be by an interface that is down.
    (
        "arch/um/drivers/vector_user.c",
        r"result->rx_fd = fd;\s+result->tx_fd = fd;",
        "while (recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) > 0)\n\t\t;\n\tresult->rx_fd = result->tx_fd = dup(fd);",
    ),
)


def kernel():
    """The program to run as a guest, built where it is not there yet."""
    folder = cache_folder() / f"usermode-{key()}"
    done = folder / "linux"
    if done.exists():
        return done
    refused = folder / "refused"
    if refused.exists():
        raise RigError(f"{refused.read_text().strip()} (to try again, remove {folder})")
    missing = [tool for tool in TOOLS if not which(tool)]
    if missing:
        raise RigError(f"not installed: {', '.join(missing)}. On Debian: apt-get install {PACKAGES}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="part-") as part:
        built = build(source(pathlib.Path(part)), folder / "log")
        try:
            check(built)
        except RigError as error:
            refused.write_text(f"{error}\n")
            raise
        built.rename(done)
    return done


def key():
    return hashlib.sha256(CONFIG.read_bytes() + repr((EDITS, OPTIONS)).encode()).hexdigest()[:16]


def source(part):
    """Fetches and unpacks the source, with what has to be different."""
    match = re.search(r"Depends: (linux-source-[\d.]+)", run(["apt-cache", "depends", "linux-source"]))
    if not match:
        raise RigError("apt knows no package linux-source (is this Debian, and has apt-get update run?)")
    print(f"rig: fetching {match[1]}", flush=True)
    run(["apt-get", "-q", "download", match[1]], cwd=part)
    run(["dpkg", "-x", str(next(part.glob("*.deb"))), str(part)])
    run(["tar", "xf", str(part / "usr" / "src" / f"{match[1]}.tar.xz")], cwd=part)
    tree = part / match[1]
    for name, old, new in EDITS:
        file = tree / name
        text, count = re.subn(old, new, file.read_text())
        if count == 0:
            raise RigError(f"{match[1]} is not as expected: nothing in {name} is {old}")
        file.write_text(text)
    return tree


def build(tree, log):
    """Builds the kernel in the tree, saying now and then how far it is; what the compiler says is in the log."""
    jobs = len(os.sched_getaffinity(0))
    print(f"rig: building a kernel for guests, once: some twelve minutes of one processor, and there are {jobs}", flush=True)
    started = time.monotonic()
    run(["make", *OPTIONS, f"KCONFIG_ALLCONFIG={CONFIG}", "allnoconfig"], cwd=tree)
    with open(log, "w") as out:
        making = subprocess.Popen(["make", f"-j{jobs + 1}", *OPTIONS, "linux"], cwd=tree, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            while True:
                try:
                    status = making.wait(timeout=30)
                    break
                except subprocess.TimeoutExpired:
                    files = log.read_text(errors="replace").count("\n  CC ")
                    print(f"rig: compiled {files} files of some 840 in {time.monotonic() - started:.0f} s", flush=True)
        finally:
            making.kill()
    built = tree / "linux"
    if status != 0 or not built.exists():
        raise RigError(f"the kernel for guests could not be built; see {log}")
    print(f"rig: built the kernel for guests in {time.monotonic() - started:.0f} s", flush=True)
    return built


def check(built):
    """Raises RigError unless the kernel runs a process and ends here, which not every machine allows."""
    command = [built, *root(which("busybox")), "--", "poweroff", "-f"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        raise RigError("a kernel as a process does not end on this machine") from None
    if done.returncode != 0:
        last = " ".join((done.stdout + done.stderr).split()[-40:])
        raise RigError(f"a kernel as a process does not run on this machine: status {done.returncode}, {last}")


def root(init, memory_mib=256):
    """The words that give a guest its memory, the files of its host, its console, and its first program."""
    words = [f"mem={memory_mib}M", "rootfstype=hostfs", "rootflags=/", "root=/dev/root", "ro", "quiet", "panic=-1"]
    return [*words, "con=null", "con0=null,fd:1", f"init={init}"]
