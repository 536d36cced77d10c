#!/usr/bin/env python3
"""Peers that are command-line tools: tools_peer.py limit|ucx|libfabric|copy|scp tcp|memory|file

limit: benchmarks/c/limit, plain C. ucx: ucx_perftest. libfabric: fi_pingpong (fi_rma_bw is in no Debian package).
copy: a file written, copied with cp and read back; scp: the same with scp over loopback, with a server of its own.
"""
import json
import os
import re
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
MIB = 1 << 20
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


class Pair:
    """Runs server and client of a tool, and tells what both used."""

    def __init__(self, server, client, port, env):
        self.env = {**os.environ, **env}
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen([str(w) for w in server], stdout=subprocess.DEVNULL, stderr=said, env=self.env)
            try:
                self.listens(process, port, said)
                with tempfile.TemporaryFile("w+") as out:
                    ours = subprocess.Popen([str(w) for w in client], stdout=out, stderr=subprocess.STDOUT,
                                            env=self.env)
                    mine = self.ended(ours, 60)
                    out.seek(0)
                    self.output = out.read()
                if mine[0] != 0:
                    raise RuntimeError(f"{client[0]} ended with {mine[0]}: {self.output.strip()[-300:]}")
                theirs = self.ended(process, 10)
            finally:
                if process.returncode is None and process.poll() is None:
                    process.kill()
                    process.wait()
        self.cpu = mine[1] + theirs[1]
        self.peak = mine[2] + theirs[2]

    @staticmethod
    def ended(process, seconds):
        """Exit status, CPU seconds and peak memory, as wait4(2) has them."""
        end = time.monotonic() + seconds
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss << 10
            if time.monotonic() > end:
                process.kill()
                raise TimeoutError(f"{process.args[0]} did not end within {seconds} s")
            time.sleep(0.002)

    @staticmethod
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
    if not shutil.which("make") or not (shutil.which("cc") or shutil.which("gcc")):
        raise FileNotFoundError("no C compiler and make (Debian: gcc libc6-dev make)")
    run(["make", "-s", "-C", HERE / "c", "../target/c/limit"], timeout=120)
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


# --- UCX -----------------------------------------------------------------------------------------------------------

UCX_ENV = {"tcp": {"UCX_TLS": "tcp", "UCX_NET_DEVICES": "lo"}, "memory": {"UCX_TLS": "posix,sysv,cma,self"}}


def ucx_version():
    need("ucx_perftest", "ucx-utils")
    info = run(["ucx_info", "-v"])
    return "UCX " + re.search(r"(\d+\.\d+\.\d+)", info).group(1) + ", ucx_perftest"


def ucx_run(words, iterations, warm):
    port = free_port()
    tool = ["ucx_perftest", "-p", port]
    return Pair(tool, [*tool, "127.0.0.1", *words, "-n", iterations, "-w", warm, "-f"], port, UCX_ENV[LINK])


def numbers(output):
    """The last line: iterations, three latencies (us), two rates (MiB/s), two message rates."""
    lines = [re.findall(r"[\d.]+", line) for line in output.splitlines() if re.match(r"^(Final:)?[\s\d.]+$", line)]
    lines = [line for line in lines if len(line) >= 7]
    if not lines:
        raise RuntimeError("ucx_perftest said: " + output.strip()[-300:])
    return [float(n) for n in lines[-1]]


def ucx(point, seconds):
    note = "one hot buffer, compares nothing"
    if point["kind"] == "CHURN":
        raise peer.Unsupported("ucx_perftest does not measure connecting")
    if peer.is_fan(point):
        raise peer.Unsupported("ucx_perftest has two ends")
    if point["kind"] in ("MESSAGE", "TRANSFER"):
        test = "tag_lat" if point["kind"] == "MESSAGE" else "ucp_put_lat"
        size = point["requestBytes"]
        trial = numbers(ucx_run(["-t", test, "-s", size], 200, 50).output)
        iterations = int(max(100, min(2e6, seconds / (2 * max(trial[2], 0.05) * 1e-6))))
        pair = ucx_run(["-t", test, "-s", size, "-R", 99], iterations, 100)
        found = numbers(pair.output)
        ways = 2 if point["kind"] == "MESSAGE" else 1  # it reports half of a round trip
        # With -R the second column is that percentile; the average stands in for the median.
        return {"bytes": size * iterations, "transfers": iterations, "seconds": seconds,
                "p50Micros": found[2] * ways, "p99Micros": found[1] * ways, "cpuSeconds": pair.cpu,
                "peakBytes": pair.peak, "verified": None, "note": note + ", the average for the median"}
    if point["scattered"] and point["pieces"] > 1 and point["workload"] == "models":
        note = "as many single puts of this size, " + note
    size = point["pieceBytes"]
    few = max(5, min(50, (16 << 20) // size))
    trial = numbers(ucx_run(["-t", "ucp_put_bw", "-s", size], few, 2).output)
    rate = max(trial[-3], 1.0) * MIB
    iterations = int(max(few, min(5e6, seconds * rate / size)))
    start = time.perf_counter()
    pair = ucx_run(["-t", "ucp_put_bw", "-s", size], iterations, max(10, iterations // 10))
    found = numbers(pair.output)
    sent = size * iterations
    return peer.figures(sent, iterations, sent / (found[-3] * MIB), [], pair.cpu / 1.1, pair.peak, None, note)


# --- libfabric -----------------------------------------------------------------------------------------------------

PROVIDERS = {"tcp": ["-p", "tcp", "-e", "msg"], "memory": ["-p", "shm", "-e", "rdm"]}


def libfabric_version():
    need("fi_pingpong", "libfabric-bin")
    text = run(["fi_info", "--version"])
    return "libfabric " + re.search(r"libfabric: (\S+)", text).group(1) + ", fi_pingpong"


def libfabric_run(size, iterations):
    port = free_port()
    tool = ["fi_pingpong", *PROVIDERS[LINK], "-I", iterations, "-S", size, "-c"]
    return Pair([*tool, "-B", port], [*tool, "-P", port, "127.0.0.1"], port, {})


def libfabric(point, seconds):
    if point["kind"] == "CHURN":
        raise peer.Unsupported("fi_pingpong does not measure connecting")
    if peer.is_fan(point):
        raise peer.Unsupported("fi_pingpong has two ends")
    if point["kind"] == "BLOCKS":
        raise peer.Unsupported("fi_pingpong waits for each answer, so it shows no throughput; fi_rma_bw does, and is in"
                               " no Debian package")
    size = point["pieceBytes"]
    micros = usec(libfabric_run(size, 50).output)
    iterations = int(max(50, min(1e6, seconds / (2 * max(micros, 0.05) * 1e-6))))
    pair = libfabric_run(size, iterations)
    ways = 2 if point["kind"] == "MESSAGE" else 1
    each = usec(pair.output) * ways
    return {"bytes": size * iterations, "transfers": iterations, "seconds": each * iterations / 1e6, "p50Micros": each,
            "p99Micros": 0, "cpuSeconds": pair.cpu, "peakBytes": pair.peak, "verified": True,
            "note": "send and receive, data compared, the average for the median"}


def usec(output):
    lines = [line.split() for line in output.splitlines() if line.strip()]
    column = next(line for line in lines if "usec/xfer" in line).index("usec/xfer")
    return float(lines[-1][column])


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
               "PermitRootLogin=prohibit-password"]
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    words = [sshd, "-D", "-e", "-f", "/dev/null"] + [w for o in options for w in ("-o", o)]
    log = open(folder / "log", "w+")
    server = subprocess.Popen([str(w) for w in words], stdout=log, stderr=log)
    Pair.listens(server, port, log)
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
    tools = {"limit": (limit_version, limit), "ucx": (ucx_version, ucx), "libfabric": (libfabric_version, libfabric),
             "copy": (copy_version, lambda p, s: copier.measure(p, s)),
             "scp": (scp_version, lambda p, s: copier.measure(p, s))}
    try:
        peer.serve(*tools[TOOL])
    finally:
        end_scp()
