#!/usr/bin/env python3
"""NIXL (PyPI: nixl-cu12 or nixl) with CPU memory: nixl_peer.py tcp|memory|file

tcp and memory: its UCX back end, held to TCP on loopback or free to choose (shared memory). Every request is one
make_prepped_xfer over descriptor lists that were prepared once, as vLLM uses it, posted and polled. file: its POSIX
back end; each request is written to a file by one process and read by the other.
"""
import os
import sys
import tempfile
import time

import peer

LINK = sys.argv[1] if len(sys.argv) > 1 else "memory"
if LINK == "tcp":
    os.environ.setdefault("UCX_TLS", "tcp")
    os.environ.setdefault("UCX_NET_DEVICES", "lo")
os.environ.setdefault("NIXL_LOG_LEVEL", "ERROR")
os.environ.setdefault("UCX_LOG_LEVEL", "error")
BACKEND = "POSIX" if LINK == "file" else "UCX"


def agent(name):
    try:
        from nixl_cu12._api import nixl_agent, nixl_agent_config
    except ImportError:
        from nixl._api import nixl_agent, nixl_agent_config
    return nixl_agent(name, nixl_agent_config(enable_prog_thread=True, backends=[BACKEND]))


class End:
    """One end: an agent and the memory of a point."""

    def __init__(self, name):
        self.name = name
        self.agent = agent(name)
        self.memory = None
        self.registered = None

    def set_up(self, point, source):
        self.tear_down()
        self.memory = peer.Memory(point, source)
        self.memory.fill() if source else self.memory.poison()
        self.register()
        return self.metadata()

    def register(self):
        self.registered = self.agent.register_memory([(self.memory.address, self.memory.bytes, 0, "")], "DRAM")

    def metadata(self):
        known = b"" if LINK == "file" else self.agent.get_agent_metadata()
        return known, self.memory.address, self.memory.order.tolist()

    def tear_down(self):
        if self.registered is not None:
            self.agent.deregister_memory(self.registered)
            self.registered = None
        self.memory = None

    def mark(self):
        if self.memory is not None:
            self.memory.poison()
        self.cost = peer.Cost()

    def result(self, requests):
        used = self.cost.used()
        return used, self.memory is None or self.memory.right(requests)

    def echo(self, other, metadata, count):
        """Sends each notification back until count came."""
        self.agent.add_remote_agent(metadata)
        seen = 0
        while seen < count:
            for message in self.agent.get_new_notifs().get(other, []):
                self.agent.send_notif(other, message)
                seen += 1

    def fresh(self):
        """A new agent over the memory that is there: what a new peer costs."""
        self.extra = agent(self.name + "-new")
        self.extra_registered = self.extra.register_memory([(self.memory.address, self.memory.bytes, 0, "")], "DRAM")
        return self.extra.get_agent_metadata(), self.memory.address

    def end_fresh(self):
        self.extra.deregister_memory(self.extra_registered)
        self.extra = None

    def read_file(self, path, request):
        moved(self.agent, "READ", self.memory, path, request)


def wait(a, handle):
    while True:
        state = a.check_xfer_state(handle)
        if state == "DONE":
            return
        if state == "ERR":
            raise RuntimeError("the transfer failed")


def moved(a, operation, memory, path, request):
    """Moves a request's pieces between memory and a file, one after the other in the file."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        total = memory.piece * memory.pieces
        registered = a.register_memory([(0, total, fd, "")], "FILE")
        base = memory.address
        mine = a.get_xfer_descs([(base + int(o), memory.piece, 0) for o in memory.offsets(request)], "DRAM")
        file = a.get_xfer_descs([(i * memory.piece, memory.piece, fd) for i in range(memory.pieces)], "FILE")
        handle = a.initialize_xfer(operation, mine, file, a.name)
        a.transfer(handle)
        wait(a, handle)
        a.release_xfer_handle(handle)
        a.deregister_memory(registered)
    finally:
        os.close(fd)


class FanEnd(peer.FanEnd):
    """One of many ends: lists of all pieces are prepared once, for each target."""

    def __init__(self, number):
        self.agent = agent(f"fan-{number}")
        self.registered, self.lists, self.names = {}, [], []

    def register(self, memory):
        self.registered[memory.address] = self.agent.register_memory([(memory.address, memory.bytes, 0, "")], "DRAM")

    def unregister(self, memory):
        for handle in self.lists:
            self.agent.release_dlist_handle(handle)
        for name in self.names:
            self.agent.remove_remote_agent(name)
        self.lists, self.names = [], []
        self.agent.deregister_memory(self.registered.pop(memory.address))

    def known(self):
        return self.agent.get_agent_metadata()

    def connect(self, targets):
        memory, piece = self.source, self.source.piece
        mine = [(memory.address + i * piece, piece, 0) for i in memory.order.tolist()]
        self.local = self.agent.prep_xfer_dlist("NIXL_INIT_AGENT", mine, "DRAM")
        self.names = [self.agent.add_remote_agent(metadata) for metadata, _, _ in targets]
        self.targets = [self.agent.prep_xfer_dlist(name, [(base + i * piece, piece, 0) for i in order], "DRAM")
                        for name, (_, base, order) in zip(self.names, targets)]
        self.lists = [self.local, *self.targets]

    def post(self, number):
        import numpy
        target, request = self.place(number)
        pieces = self.point["pieces"]
        indexes = numpy.arange(request * pieces, (request + 1) * pieces, dtype=numpy.int32)
        handle = self.agent.make_prepped_xfer("WRITE", self.local, indexes, self.targets[target], indexes)
        self.agent.transfer(handle)
        return handle

    def finish(self, handle):
        wait(self.agent, handle)
        self.agent.release_xfer_handle(handle)

    def requests(self, targets, seconds):
        return peer.pipelined(self.post, self.finish, self.point["depth"] * targets, seconds)


class Source:
    def __init__(self):
        self.point = None
        self.fan = peer.Fan(FanEnd)
        self.end = End("source")
        self.other = peer.OtherEnd(End, "target")
        self.local = self.remote = None

    def prepare(self, point):
        if point == self.point:
            return
        self.release()
        self.end.set_up(point, True)
        metadata, base, order = self.other("set_up", point, False)
        memory, a = self.end.memory, self.end.agent
        if LINK != "file":
            self.name = a.add_remote_agent(metadata)
            mine = [(memory.address + i * memory.piece, memory.piece, 0) for i in memory.order.tolist()]
            theirs = [(base + i * memory.piece, memory.piece, 0) for i in order]
            self.local = a.prep_xfer_dlist("NIXL_INIT_AGENT", mine, "DRAM")
            self.remote = a.prep_xfer_dlist(self.name, theirs, "DRAM")
        self.point = point

    def release(self):
        if self.local is not None:
            self.end.agent.release_dlist_handle(self.local)
            self.end.agent.release_dlist_handle(self.remote)
            self.end.agent.remove_remote_agent(self.name)
            self.local = self.remote = None
        self.point = None

    def post(self, number):
        import numpy
        request = number % self.point["requests"]
        pieces = self.point["pieces"]
        indexes = numpy.arange(request * pieces, (request + 1) * pieces, dtype=numpy.int32)
        handle = self.end.agent.make_prepped_xfer("WRITE", self.local, indexes, self.remote, indexes)
        self.end.agent.transfer(handle)
        return handle

    def finish(self, handle):
        wait(self.end.agent, handle)
        self.end.agent.release_xfer_handle(handle)

    def run(self, seconds):
        """Keeps as many requests on their way as the point asks for."""
        depth = 1 if self.point["kind"] == "TRANSFER" else self.point["depth"]
        return peer.pipelined(self.post, self.finish, depth, seconds)

    def files(self, seconds):
        with tempfile.TemporaryDirectory(dir=os.environ.get("KVWIRE_BENCH_FOLDER")) as folder:
            path = os.path.join(folder, "request")

            def once(i):
                request = i % self.point["requests"]
                moved(self.end.agent, "WRITE", self.end.memory, path, request)
                self.other("read_file", path, request)
            return peer.repeat(once, seconds)

    def measure(self, point, seconds):
        if peer.is_fan(point):
            if LINK == "file":
                raise peer.Unsupported("a file has no peers")
            return self.fan.measure(point, seconds)
        self.fan.close()
        if point["kind"] == "MESSAGE":
            return self.messages(point, seconds)
        if point["kind"] == "CHURN":
            return self.churn(point, seconds)
        self.prepare(point)
        run = self.files if LINK == "file" else self.run
        run(seconds / 4)
        self.other("mark")
        cost = peer.Cost()
        times, took = run(seconds)
        mine = cost.used()
        theirs, right = self.other("result", len(times))
        return peer.figures(len(times) * point["requestBytes"], len(times), took, times, mine[0] + theirs[0],
                            mine[1] + theirs[1], right)

    def messages(self, point, seconds):
        if LINK == "file":
            raise peer.Unsupported("the POSIX back end has no notifications")
        self.release()
        one = {"pieceBytes": 4096, "pieces": 1, "requests": 1, "workingSetBytes": 4096, "scattered": False}
        mine = self.end.set_up(one, True)[0]
        theirs = self.other("set_up", one, False)[0]
        name = self.end.agent.add_remote_agent(theirs)
        count = 20
        while True:
            cost = peer.Cost()
            self.other("mark")
            self.other.pipe.send(("echo", ("source", mine, count)))
            times = []
            message = bytes(range(point["pieceBytes"] % 256)) or b"0"
            start = time.perf_counter()
            for _ in range(count):
                before = time.perf_counter()
                self.end.agent.send_notif(name, message)
                back = []
                while not back:
                    back = self.end.agent.get_new_notifs().get("target", [])
                    if time.perf_counter() - before > 20:
                        raise TimeoutError("no notification came back")
                times.append(time.perf_counter() - before)
                if back != [message]:
                    raise RuntimeError("another message came back")
            took = time.perf_counter() - start
            self.other.receive()
            if took >= seconds or count >= 100000:
                break
            count = min(100000, int(count * max(2, 1.2 * seconds / max(took, 1e-6))))
        used = cost.used()
        theirs, _ = self.other("result", 0)
        self.end.agent.remove_remote_agent(name)
        return peer.figures(count * point["pieceBytes"], count, took, times, used[0] + theirs[0],
                            used[1] + theirs[1], True, "both ends poll")

    def churn(self, point, seconds):
        if LINK == "file":
            raise peer.Unsupported("a file has no connection")
        if point != self.point:
            self.release()
            self.end.set_up(point, True)
            self.other("set_up", point, False)
            self.point = point
        peer.repeat(self.first_transfer, seconds / 4)
        self.other("mark")
        cost = peer.Cost()
        parts = []
        peer.repeat(lambda i: parts.append(self.first_transfer(i)), seconds)
        used = cost.used()
        others, right = self.other("result", 1)
        return peer.churned(point, parts, used, others, right)

    def first_transfer(self, number):
        start = time.perf_counter()
        metadata, base = self.other("fresh")
        self.end.fresh()
        a, memory = self.end.extra, self.end.memory
        registered = time.perf_counter()
        name = a.add_remote_agent(metadata)
        connected = time.perf_counter()
        mine = a.get_xfer_descs([(memory.address + int(o), memory.piece, 0) for o in memory.offsets(0)], "DRAM")
        theirs = a.get_xfer_descs([(base + int(o), memory.piece, 0) for o in memory.offsets(0)], "DRAM")
        handle = a.initialize_xfer("WRITE", mine, theirs, name)
        a.transfer(handle)
        wait(a, handle)
        end = time.perf_counter()
        a.release_xfer_handle(handle)
        a.remove_remote_agent(name)
        self.end.end_fresh()
        self.other("end_fresh")
        return {"start and register": registered - start, "connect": connected - registered, "first block": end - connected}


def find():
    import importlib.metadata
    global source
    try:
        version = importlib.metadata.version("nixl-cu12")
    except importlib.metadata.PackageNotFoundError:
        version = importlib.metadata.version("nixl")
    source = Source()
    return f"NIXL {version}, {BACKEND} back end"


if __name__ == "__main__":
    peer.serve(find, lambda point, seconds: source.measure(point, seconds), lambda: (source.fan.close(), source.other.close()))
