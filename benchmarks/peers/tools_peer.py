#!/usr/bin/env python3
"""Peers that are programs: tools_peer.py limit|ucx|libfabric|copy|scp tcp|memory|file

limit: benchmarks/c/limit, plain C. ucx, libfabric: C programs over their own APIs, benchmarks/c/ends.c. copy: a file
written, copied with cp and read back; scp: the same with scp over loopback, with a server of its own.
"""
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peer

TOOL, LINK = sys.argv[1:3]
HERE = Path(__file__).resolve().parent.parent
LIMIT = HERE / "target" / "c" / "limit"
FOLDER = os.environ.get("KVWIRE_BENCH_FOLDER")
FAN_SECONDS = 1.0  # the pairs of a fan start one after the other; most of their time they must run together


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(command, env=None, timeout=60):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-300:]
        raise RuntimeError(f"{Path(str(command[0])).name} ended with {done.returncode}: {said}")
    return done.stdout


def need(tool, package):
    found = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
    if not found:
        raise FileNotFoundError(f"{tool} is not installed (Debian: {package})")
    return found


def compiles(program, packages):
    done = subprocess.run(["make", "-s", "-C", str(HERE / "c"), f"../target/c/{program}"], capture_output=True, text=True,
                          timeout=120) if shutil.which("make") else None
    if done is None or done.returncode != 0:
        said = " ".join(done.stderr.split())[:200] if done else "no make"
        raise FileNotFoundError(f"{program} cannot be compiled (Debian: gcc make {packages}): {said}")


def listens(process, port, said):
    mark = f":{port:04X} "
    for _ in range(1000):
        tables = Path("/proc/net/tcp").read_text()
        if Path("/proc/net/tcp6").exists():
            tables += Path("/proc/net/tcp6").read_text()
        if any(mark in line and " 0A " in line for line in tables.splitlines()):
            return
        if process.poll() is not None:
            break
        time.sleep(0.005)
    said.seek(0)
    raise RuntimeError(f"{process.args[0]} does not listen: {said.read().strip()[-300:]}")


# --- plain C -------------------------------------------------------------------------------------------------------

def limit_version():
    compiles("limit", "libc6-dev")
    compiler = run(["cc" if shutil.which("cc") else "gcc", "--version"]).splitlines()[0]
    return f"plain C, {compiler}, -O2"


def limit(point, seconds):
    if point["kind"] == "CHURN":
        raise peer.Unsupported("a C loop has nothing to set up")
    if peer.is_fan(point):
        return limit_fan(point, seconds)
    if point["kind"] == "MESSAGE":
        if LINK == "file":
            raise peer.Unsupported("a file carries no messages")
        return json.loads(run([LIMIT, "ping-" + LINK, point["pieceBytes"], seconds]))
    depth = 1 if point["kind"] == "TRANSFER" else point["depth"]
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        words = [LIMIT, LINK, point["pieceBytes"], point["pieces"], point["workingSetBytes"],
                 int(point["scattered"]), depth, seconds]
        return json.loads(run(words + ([os.path.join(folder, "list")] if LINK == "file" else [])))


def limit_fan(point, seconds):
    """As many pairs of C loops as the fan has flows, at once: nothing that a shared end could cost."""
    if LINK == "file":
        raise peer.Unsupported("a file has no peers")
    words = [LIMIT, LINK, point["pieceBytes"], point["pieces"], point["workingSetBytes"], int(point["scattered"]),
             point["depth"], max(seconds, FAN_SECONDS)]
    pairs = [subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
             for _ in peer.flows(point)]
    said = [pair.communicate(timeout=60) for pair in pairs]
    failed = [errors for pair, (_, errors) in zip(pairs, said) if pair.returncode != 0]
    if failed:
        raise RuntimeError(f"limit: {failed[0].strip()[-300:]}")
    found = [json.loads(out) for out, _ in said]
    rate = sum(f["bytes"] / f["seconds"] for f in found)
    total = sum(f["bytes"] for f in found)
    return {"bytes": total, "transfers": sum(f["transfers"] for f in found), "seconds": total / rate,
            "p50Micros": statistics.median(f["p50Micros"] for f in found),
            "p99Micros": max(f["p99Micros"] for f in found), "cpuSeconds": sum(f["cpuSeconds"] for f in found),
            "peakBytes": sum(f["peakBytes"] for f in found), "verified": all(f["verified"] for f in found),
            "note": "a fan is as many pairs of processes as it has flows, with the sum of their rates"}


# --- communication libraries ---------------------------------------------------------------------------------------

LIBRARIES = {"ucx": ("ucx_ends", "libucx-dev"), "libfabric": ("fabric_ends", "libfabric-dev")}


def ends():
    return HERE / "target" / "c" / LIBRARIES[TOOL][0]


def library_version():
    compiles(*LIBRARIES[TOOL])
    return run([ends(), "--version"]).strip()


def library(point, seconds):
    words = [ends(), point["kind"], LINK, point["pieceBytes"], point["pieces"], point["workingSetBytes"],
             int(point["scattered"]), point["depth"], seconds, point["processes"]]
    return json.loads(run(words, {"UCX_LOG_LEVEL": "error", "FI_LOG_LEVEL": "warn"}))


# --- files ---------------------------------------------------------------------------------------------------------

def copy_version():
    need("cp", "coreutils")
    import numpy
    return run(["cp", "--version"]).splitlines()[0] + f", NumPy {numpy.__version__}"


class Copier:
    """The old way: pieces into a file, the file copied, pieces out of the copy."""

    def __init__(self, command=None):
        self.command = command or (lambda source, target: ["cp", source, target])
        self.point = None

    def measure(self, point, seconds):
        if point["kind"] in ("MESSAGE", "CHURN"):
            raise peer.Unsupported("a file carries no messages and has no connection")
        if peer.is_fan(point):
            raise peer.Unsupported("a file has no peers")
        if point != self.point:
            self.source, self.target = peer.Memory(point, True), peer.Memory(point, False)
            self.source.fill()
            self.point = point
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            peer.repeat(lambda i: self.once(i, folder), seconds / 4)
            self.target.poison()
            before = self.spent()
            cost = peer.Cost()
            times, took = peer.repeat(lambda i: self.once(i, folder), seconds)
            cpu = self.spent() - before
            peak = cost.used()[1]
        right = self.target.right(len(times))
        return peer.figures(len(times) * point["requestBytes"], len(times), took, times, cpu, peak, right,
                            "both ends in one process")

    @staticmethod
    def spent():
        used = os.times()
        return used.user + used.system + used.children_user + used.children_system

    def once(self, number, folder):
        request = number % self.point["requests"]
        source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
        pieces, piece = self.point["pieces"], self.point["pieceBytes"]
        places = slice(request * pieces, (request + 1) * pieces)
        self.source.words[self.source.order[places]].tofile(source)
        run(self.command(source, target))
        import numpy
        read = numpy.fromfile(target, dtype=numpy.uint64).reshape(pieces, piece // 8)
        self.target.words[self.target.order[places]] = read


def scp_version():
    """Starts a server of its own on loopback, with keys made for this run."""
    global copier, server, secrets
    sshd = need("sshd", "openssh-server")
    need("scp", "openssh-client")
    need("ssh-keygen", "openssh-client")
    secrets = tempfile.TemporaryDirectory()
    folder = Path(secrets.name)
    for name in ("host", "user"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "authorized").chmod(0o600)
    port = free_port()
    options = [f"Port={port}", "ListenAddress=127.0.0.1", f"HostKey={folder / 'host'}", "UsePAM=no", "StrictModes=no",
               f"AuthorizedKeysFile={folder / 'authorized'}", f"PidFile={folder / 'pid'}", "PasswordAuthentication=no",
               "PermitRootLogin=prohibit-password", "Subsystem=sftp internal-sftp"]
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    words = [sshd, "-D", "-e", "-f", "/dev/null"] + [w for o in options for w in ("-o", o)]
    log = open(folder / "log", "w+")
    server = subprocess.Popen([str(w) for w in words], stdout=log, stderr=log)
    listens(server, port, log)
    shown = subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.strip()
    client = ["scp", "-q", "-P", port, "-i", folder / "user", "-o", "StrictHostKeyChecking=no", "-o",
              "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"]
    copier = Copier(lambda source, target: [*client, source, f"127.0.0.1:{target}"])
    probe = folder / "probe"
    probe.write_text("probe")
    run(copier.command(probe, folder / "probed"))
    return shown


def end_scp():
    if "server" in globals():
        server.terminate()
        server.wait()
        secrets.cleanup()


if __name__ == "__main__":
    if TOOL == "copy":
        copier = Copier()
    tools = {"limit": (limit_version, limit), "ucx": (library_version, library), "libfabric": (library_version, library),
             "copy": (copy_version, lambda p, s: copier.measure(p, s)),
             "scp": (scp_version, lambda p, s: copier.measure(p, s))}
    try:
        peer.serve(*tools[TOOL])
    finally:
        end_scp()
