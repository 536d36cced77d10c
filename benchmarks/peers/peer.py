"""What all adapters share: the protocol, the memory of one end, and what a process has used.

An adapter says on its first line what it found, {"version": "..."}, or why it cannot run, {"missing": "..."}. Then it
reads orders, one JSON line each: {"point": {...}, "seconds": 0.5}, and answers each with one line: {"figures": {...}},
{"unsupported": "why"} or {"error": "why"}. README.md has the fields.
"""
import ctypes
import json
import multiprocessing
import os
import resource
import signal
import sys
import time

MULTIPLIER = 0x9E3779B97F4A7C15
PATIENCE_SECONDS = 60


class Unsupported(Exception):
    """The peer has no such operation."""


def say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def die_with_parent():
    """Also when the parent was killed while this process was stopped between its turns."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def serve(find, measure, close=lambda: None):
    """Runs an adapter: find() gives the version or raises, measure(point, seconds) gives figures."""
    die_with_parent()
    # What a library prints must not come between the lines; standard error is kept for messages.
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = lines
    try:
        version = find()
    except Exception as e:  # noqa: BLE001 - whatever keeps the peer from running is the reason to report
        say({"missing": reason(e)})
        return
    say({"version": version})
    for line in sys.stdin:
        order = json.loads(line)
        try:
            say({"figures": measure(order["point"], order["seconds"])})
        except Unsupported as e:
            say({"unsupported": str(e)})
        except Exception as e:  # noqa: BLE001 - one point that fails does not end the adapter
            say({"error": reason(e)})
    close()


def reason(e):
    text = " ".join(str(e).split())
    return f"{type(e).__name__}: {text}"[-400:] if text else type(e).__name__


def figures(sent, transfers, seconds, times, cpu, peak, verified, note="", parts=None):
    times = sorted(times)
    return {"bytes": sent, "transfers": transfers, "seconds": seconds,
            "p50Micros": times[len(times) // 2] * 1e6 if times else 0,
            "p99Micros": times[len(times) * 99 // 100] * 1e6 if times else 0,
            "cpuSeconds": cpu, "peakBytes": peak, "verified": verified, "note": note, "parts": parts or {}}


class Cost:
    """CPU time and peak memory of this process since it was made."""

    def __init__(self):
        try:
            with open("/proc/self/clear_refs", "w") as f:
                f.write("5")
        except OSError:
            pass  # The peak is then that of the whole life.
        self.start = self.cpu()

    @staticmethod
    def cpu():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    def used(self):
        with open("/proc/self/status") as f:
            peak = next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM"))
        return self.cpu() - self.start, peak


class Memory:
    """The working set of one end, in page-aligned memory; pieces of a request lie where the order says."""

    def __init__(self, point, source):
        import mmap
        import numpy
        self.numpy = numpy
        self.piece, self.pieces = point["pieceBytes"], point["pieces"]
        self.requests, self.bytes = point["requests"], point["workingSetBytes"]
        self.map = mmap.mmap(-1, self.bytes)
        self.words = numpy.frombuffer(self.map, dtype=numpy.uint64).reshape(-1, self.piece // 8)
        self.address = self.words.ctypes.data
        self.order = numpy.arange(self.requests * self.pieces)
        if point["scattered"]:
            numpy.random.default_rng(1 if source else 2).shuffle(self.order)
        self.whole = numpy.frombuffer(self.map, dtype=numpy.uint8)

    def expected(self, first, count):
        numpy = self.numpy
        words = numpy.arange(first * self.piece // 8, (first + count) * self.piece // 8, dtype=numpy.uint64)
        return ((words + numpy.uint64(1)) * numpy.uint64(MULTIPLIER)).reshape(count, -1)

    def steps(self, places):
        step = max(1, (8 << 20) // self.piece)
        return ((first, min(step, places - first)) for first in range(0, places, step))

    def fill(self):
        for first, count in self.steps(len(self.order)):
            self.words[self.order[first:first + count]] = self.expected(first, count)

    def poison(self):
        self.whole.fill(0xEE)

    def right(self, requests):
        places = min(requests, self.requests) * self.pieces
        return all(bool((self.words[self.order[first:first + count]] == self.expected(first, count)).all())
                   for first, count in self.steps(places))

    def offsets(self, request):
        """Where the pieces of a request lie, in bytes from the start."""
        return self.order[request * self.pieces:(request + 1) * self.pieces] * self.piece


class OtherEnd:
    """A process that answers calls: runs make(*args) there, whose result has the methods that are called."""

    def __init__(self, make, *args):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_answer, args=(theirs, make, args), daemon=True)
        self.process.start()
        theirs.close()
        self._receive()

    def __call__(self, method, *args):
        self.pipe.send((method, args))
        return self._receive()

    def _receive(self):
        if not self.pipe.poll(PATIENCE_SECONDS):
            raise TimeoutError("the other process does not answer")
        kind, value = self.pipe.recv()
        if kind == "error":
            raise RuntimeError(f"at the other end: {value}")
        return value

    def close(self):
        self.pipe.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()


def _answer(pipe, make, args):
    die_with_parent()
    try:
        end = make(*args)
        pipe.send(("ok", None))
    except Exception as e:  # noqa: BLE001 - told to the process that asked
        pipe.send(("error", reason(e)))
        return
    while True:
        try:
            method, args = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("ok", getattr(end, method)(*args)))
        except Exception as e:  # noqa: BLE001 - told to the process that asked
            pipe.send(("error", reason(e)))


def repeat(once, seconds):
    """Calls once(i) for so long, at least once; gives the times of all calls and how long it took."""
    times = []
    start = time.perf_counter()
    while not times or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        once(len(times))
        times.append(time.perf_counter() - before)
    return times, time.perf_counter() - start
