#!/usr/bin/env python3
"""Mooncake Transfer Engine (PyPI: mooncake-transfer-engine or its build without CUDA) over TCP on loopback.

Every request is batch_transfer_sync_write of its pieces, as many at a time as its queue takes.
"""
import os
import time

import peer

os.environ.setdefault("MC_LOG_LEVEL", "ERROR")
os.environ.setdefault("GLOG_minloglevel", "3")


BATCH = 512  # a TCP lane refuses a batch with more than its queue holds, near 2,000 in version 0.3


class End:
    def __init__(self):
        self.engine = self.start()
        self.memory = None

    @staticmethod
    def start():
        from mooncake.engine import TransferEngine
        engine = TransferEngine()
        if engine.initialize("127.0.0.1", "P2PHANDSHAKE", "tcp", "") != 0:
            raise RuntimeError("the engine cannot be initialized")
        return engine

    def name(self):
        return f"127.0.0.1:{self.engine.get_rpc_port()}"

    def set_up(self, point, source):
        self.tear_down()
        self.memory = peer.Memory(point, source)
        self.memory.fill() if source else self.memory.poison()
        self.register(self.engine)
        return self.name(), self.memory.address, self.memory.order.tolist()

    def register(self, engine):
        if engine.register_memory(self.memory.address, self.memory.bytes) != 0:
            raise RuntimeError("memory cannot be registered")

    def tear_down(self):
        if self.memory is not None:
            self.engine.unregister_memory(self.memory.address)
            self.memory = None

    def mark(self):
        if self.memory is not None:
            self.memory.poison()
        self.cost = peer.Cost()

    def result(self, requests):
        return self.cost.used(), self.memory.right(requests)

    def fresh(self):
        self.extra = self.start()
        self.register(self.extra)
        return f"127.0.0.1:{self.extra.get_rpc_port()}", self.memory.address

    def end_fresh(self):
        self.extra.unregister_memory(self.memory.address)
        self.extra = None


class FanEnd(peer.FanEnd):
    """One of many ends: a thread that writes to one target after the other, as the call waits for its outcome."""

    def __init__(self, number):
        self.engine = End.start()

    def register(self, memory):
        if self.engine.register_memory(memory.address, memory.bytes) != 0:
            raise RuntimeError("memory cannot be registered")

    def unregister(self, memory):
        self.engine.unregister_memory(memory.address)

    def known(self):
        return f"127.0.0.1:{self.engine.get_rpc_port()}"

    def connect(self, targets):
        piece = self.source.piece
        self.mine = [self.source.address + i * piece for i in self.source.order.tolist()]
        self.targets = [(name, [base + i * piece for i in order]) for name, base, order in targets]

    def once(self, number):
        target, request = self.place(number)
        name, theirs = self.targets[target]
        first = request * self.point["pieces"]
        for i in range(first, first + self.point["pieces"], BATCH):
            part = slice(i, min(i + BATCH, first + self.point["pieces"]))
            lengths = [self.source.piece] * (part.stop - part.start)
            if self.engine.batch_transfer_sync_write(name, self.mine[part], theirs[part], lengths) != 0:
                raise RuntimeError("batch_transfer_sync_write failed")

    def requests(self, targets, seconds):
        return peer.repeat(self.once, seconds)


class Source:
    def __init__(self):
        self.point = None
        self.fan = peer.Fan(FanEnd)
        self.end = End()
        self.other = peer.OtherEnd(End)

    def prepare(self, point):
        if point == self.point:
            return
        self.point = None
        self.end.set_up(point, True)
        self.name, base, order = self.other("set_up", point, False)
        piece, pieces, memory = point["pieceBytes"], point["pieces"], self.end.memory
        mine = [memory.address + i * piece for i in memory.order.tolist()]
        theirs = [base + i * piece for i in order]
        self.lists = [(mine[i:i + pieces], theirs[i:i + pieces]) for i in range(0, len(mine), pieces)]
        self.lengths = [piece] * pieces
        self.point = point

    def once(self, number):
        mine, theirs = self.lists[number % len(self.lists)]
        for i in range(0, len(mine), BATCH):
            part = slice(i, i + BATCH)
            if self.end.engine.batch_transfer_sync_write(self.name, mine[part], theirs[part], self.lengths[part]) != 0:
                raise RuntimeError("batch_transfer_sync_write failed")

    def measure(self, point, seconds):
        if peer.is_fan(point):
            return self.fan.measure(point, seconds)
        self.fan.close()
        if point["kind"] == "MESSAGE":
            raise peer.Unsupported("no notification of its own in the Python API")
        if point["kind"] == "CHURN":
            return self.churn(point, seconds)
        self.prepare(point)
        peer.repeat(self.once, seconds / 4)
        self.other("mark")
        cost = peer.Cost()
        times, took = peer.repeat(self.once, seconds)
        mine = cost.used()
        theirs, right = self.other("result", len(times))
        return peer.figures(len(times) * point["requestBytes"], len(times), took, times, mine[0] + theirs[0],
                            mine[1] + theirs[1], right)

    def churn(self, point, seconds):
        self.prepare(point)
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
        name, base = self.other("fresh")
        self.end.fresh()
        registered = time.perf_counter()
        memory = self.end.memory
        mine = [memory.address + int(o) for o in memory.offsets(0)]
        theirs = [base + int(o) for o in memory.offsets(0)]
        if self.end.extra.batch_transfer_sync_write(name, mine, theirs, self.lengths) != 0:
            raise RuntimeError("batch_transfer_sync_write failed")
        end = time.perf_counter()
        self.end.end_fresh()
        self.other("end_fresh")
        return {"start and register": registered - start, "connect and first block": end - registered}


def find():
    import importlib.metadata
    global source
    names = ["mooncake-transfer-engine", "mooncake-transfer-engine-non-cuda"]
    found = [f"{n} {importlib.metadata.version(n)}" for n in names
             if any(d.metadata["Name"] == n for d in importlib.metadata.distributions())]
    source = Source()
    return "Mooncake, " + ", ".join(found)


if __name__ == "__main__":
    peer.serve(find, lambda point, seconds: source.measure(point, seconds), lambda: (source.fan.close(), source.other.close()))
