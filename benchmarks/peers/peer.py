"""What all adapters share: the protocol, the memory of one end, and what a process has used.

An adapter says on its first line what it found, {"version": "..."}, or why it cannot run, {"missing": "..."}. Then it
reads orders, one JSON line each: {"point": {...}, "seconds": 0.5}, and answers each with one line: {"figures": {...}},
{"unsupported": "why"} or {"error": "why"}. README.md has the fields.
"""
import collections
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


def churned(point, parts, mine, theirs, verified):
    """The figures of new peers, one after the other: seconds of each part of each of them."""
    times = [sum(one.values()) for one in parts]
    usual = sorted(parts, key=lambda one: sum(one.values()))[len(parts) // 2]
    return figures(len(parts) * point["requestBytes"], len(parts), sum(times), times, mine[0] + theirs[0],
                   mine[1] + theirs[1], verified, parts={what: seconds * 1e3 for what, seconds in usual.items()})


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
    """The working set of one end, in huge pages where the kernel has them, as kvwire's own memory is; pieces of a request
    lie where the order says."""

    def __init__(self, point, source):
        import mmap
        import numpy
        self.numpy = numpy
        self.piece, self.pieces = point["pieceBytes"], point["pieces"]
        self.requests, self.bytes = point["requests"], point["workingSetBytes"]
        self.churns = point.get("kind") == "CHURN"
        self.map = mmap.mmap(-1, self.bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            try:
                self.map.madvise(mmap.MADV_HUGEPAGE)
            except OSError:
                pass  # A kernel without them.
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
        places = len(self.order)
        if self.churns:
            self.whole.fill(1)  # All memory exists, and no more than the first request is written.
            places = self.pieces
        for first, count in self.steps(places):
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
        self.receive()

    def __call__(self, method, *args):
        self.pipe.send((method, args))
        return self.receive()

    def receive(self):
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


def pipelined(post, finish, depth, seconds):
    """Keeps so many of post(i) on their way for so long, at least one; gives the times of all and how long it took."""
    flying, times, posted = collections.deque(), [], 0
    start = time.perf_counter()
    while flying or posted == 0 or time.perf_counter() - start < seconds:
        if len(flying) < depth and (posted == 0 or time.perf_counter() - start < seconds):
            flying.append((time.perf_counter(), post(posted)))
            posted += 1
            continue
        before, handle = flying.popleft()
        finish(handle)
        times.append(time.perf_counter() - before)
    return times, time.perf_counter() - start


def is_fan(point):
    return point["kind"] in ("MANY_TO_ONE", "ONE_TO_MANY", "ALL_TO_ALL")


def flows(point):
    """Who writes to whom: pairs of the numbers of ends."""
    ends = range(point["processes"])
    every = [(a, b) for a in ends for b in ends if a != b]
    wanted = {"MANY_TO_ONE": lambda a, b: b == 0, "ONE_TO_MANY": lambda a, b: a == 0, "ALL_TO_ALL": lambda a, b: True}
    return [pair for pair in every if wanted[point["kind"]](*pair)]


class FanEnd:
    """One of many ends. A subclass says how memory is registered, and how a request is written.

    Every end that writes to this one has memory of its own here; requests go to the first target, the second, and so
    on, then the next requests.
    """

    def set_up(self, point, sends, senders):
        self.tear_down()
        self.point = point
        self.source = Memory(point, True) if sends else None
        if sends:
            self.source.fill()
        self.landing = {sender: Memory(point, False) for sender in senders}
        self.held = [m for m in [self.source, *self.landing.values()] if m is not None]
        for memory in self.held:
            self.register(memory)
        return self.known(), {sender: (m.address, m.order.tolist()) for sender, m in self.landing.items()}

    def tear_down(self):
        for memory in getattr(self, "held", []):
            self.unregister(memory)
        self.held = []

    def mark(self):
        for memory in self.landing.values():
            memory.poison()
        self.cost = Cost()

    def write(self, seconds):
        """How many requests went to each target, in order, and the times of all."""
        times, took = self.requests(len(self.targets), seconds)
        done, count = len(times), len(self.targets)
        return [(done + count - 1 - i) // count for i in range(count)], times, took

    def place(self, number):
        """Which target and which request of its own the so many-th is."""
        return number % len(self.targets), number // len(self.targets) % self.point["requests"]

    def result(self, received):
        used = self.cost.used()
        return used, all(self.landing[sender].right(requests) for sender, requests in received.items())


class Fan:
    """The processes of a fan: make(number) gives an end in each. They stay while points have as many."""

    def __init__(self, make):
        self.make, self.ends, self.point = make, [], None

    def measure(self, point, seconds):
        self.prepare(point)
        senders = sorted({a for a, _ in flows(point)})
        self.ask("write", {i: (seconds / 4,) for i in senders})
        self.ask("mark", {i: () for i in range(len(self.ends))})
        wrote = self.ask("write", {i: (seconds,) for i in senders})
        received, total = {i: {} for i in range(len(self.ends))}, 0
        for a, b in flows(point):
            received[b][a] = wrote[a][0][self.targets(a).index(b)]
            total += received[b][a]
        results = self.ask("result", {i: (received[i],) for i in received})
        used = [u for u, _ in results.values()]
        times = [t for _, ts, _ in wrote.values() for t in ts]
        return figures(total * point["requestBytes"], total, max(took for _, _, took in wrote.values()), times,
                       sum(u[0] for u in used), sum(u[1] for u in used), all(right for _, right in results.values()))

    def targets(self, end):
        return [b for a, b in flows(self.point) if a == end]

    def prepare(self, point):
        if point == self.point:
            return
        self.point = None
        if len(self.ends) != point["processes"]:
            self.close()
            self.ends = [OtherEnd(self.make, i) for i in range(point["processes"])]
        self.point = point
        try:
            known = self.ask("set_up", {i: (point, bool(self.targets(i)), [a for a, b in flows(point) if b == i])
                                        for i in range(len(self.ends))})
            self.ask("connect", {i: ([(known[t][0], *known[t][1][i]) for t in self.targets(i)],)
                                 for i in range(len(self.ends)) if self.targets(i)})
        except Exception:
            self.point = None
            raise

    def ask(self, method, words):
        """Calls a method at many ends at once: the arguments for each by its number."""
        for i, args in words.items():
            self.ends[i].pipe.send((method, args))
        answers, failure = {}, None
        for i in words:
            try:
                answers[i] = self.ends[i].receive()
            except RuntimeError as e:
                failure = e
        if failure:
            raise failure
        return answers

    def close(self):
        for end in self.ends:
            end.close()
        self.ends, self.point = [], None
