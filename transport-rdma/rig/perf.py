"""The RDMA path beside perftest, in one guest: throughput of WRITE and READ, latency of a small WRITE.

Both go through the same kernel on the same emulated processors, in rounds that take turns; a figure is the median of its
rounds. Only the ratios mean anything.
"""

import datetime
import json
import os
import platform
import shutil
import statistics

from classes import WORK, built, command_line
from guests import run_guests
from image import RigError
from machines import EMULATED
from suites import MODULE, Counts, java

# What is measured, in which size, how many messages or blocks of that size make one transfer, and the ratio to reach.
THROUGHPUT = (
    ("write", 1 << 20, 300, 16, 0.90),
    ("write", 64 << 10, 4000, 256, 0.85),
    ("read", 1 << 20, 300, 16, 0.90),
    ("read", 64 << 10, 4000, 256, 0.85),
)
LATENCY_BYTES = 64
LATENCY_RATIO = 1.5

GUEST = """
cd $RIG_EXCHANGE
# perftest refuses to report when its clock, calibrated on a busy machine, is too noisy: both ends start anew then.
perftest() {{
    local name=$1 server; shift
    for again in 1 2 3 4 5; do
        "$@" >"$name-server" 2>&1 &
        server=$!
        for try in $(seq 100); do "$@" 10.9.0.1 >"$name" 2>&1 && break; kill -0 $server 2>/dev/null || break; sleep 0.2; done
        kill $server 2>/dev/null
        wait $server
        grep -q 'Correlation coefficient' "$name" "$name-server" || break
        echo "perftest refused to report $name: measuring again"
    done
}}
{kvwire} perf serve --listen 10.9.0.1:7410 --path rdma --wire-option rdma.provider={provider} >serve 2>&1 &
until (: </dev/tcp/10.9.0.1/7410) 2>/dev/null; do sleep 0.2; done
for round in {rounds}; do
    echo "round $round"
{steps}
done
exit 0
"""


def perf(provider, rounds, seconds, timeout, folder, name):
    """Runs it all; returns the exit status. Writes NAME.json and NAME.md to FOLDER unless that is None."""
    counts = Counts()
    kvwire, classpath = command_line(), built(MODULE)
    work = WORK / "perf"
    shutil.rmtree(work, ignore_errors=True)
    script = GUEST.format(
        kvwire=kvwire,
        provider=provider,
        rounds=" ".join(map(str, range(1, rounds + 1))),
        steps="\n".join(f"    {line}" for line in steps(provider, seconds, kvwire, classpath)),
    )
    run_guests([script], work, timeout=timeout, cpus=2, memory_mib=4096, kind=EMULATED)
    rows = throughput_rows(work / "1", rounds) + latency_rows(work / "1", rounds)
    for row in rows:
        counts.check(f"{row['what']}: {row['ratio']:.2f}, {row['target']}", row["reached"])
        counts.check(f"{row['what']}: bytes verified", row["verified"]) if "verified" in row else None
    if folder:
        write(folder, name, provider, rounds, seconds, rows)
    return counts.close()


def steps(provider, seconds, kvwire, classpath):
    """The commands of one round, each writing what it measured to a file of its own."""
    lines = []
    for op, size, messages, count, _ in THROUGHPUT:
        lines.append(f"perftest ib-{op}-{size}-$round ib_{op}_bw -d rxe0 -F -s {size} -n {messages} --report_gbits")
        scattered = "--scattered " if size < 1 << 20 else ""
        lines.append(
            f"{kvwire} perf run 10.9.0.1:7410 --require rdma --op {op} --block-bytes {size} --block-count {count} --hot "
            f"{scattered}--lanes 1 --depth 4 --seconds {seconds} --verify --wire-option rdma.provider={provider} "
            f"--json kvwire-{op}-{size}-$round >log-{op}-{size}-$round 2>&1"
        )
    lines.append(f"perftest ib-latency-$round ib_write_lat -d rxe0 -F -s {LATENCY_BYTES} -n 20000")
    # A loop so small that the other compiler is done with it in seconds, on any processor.
    both = ["-XX:TieredStopAtLevel=4"]
    latency = java(classpath, "io.kvwire.rdma.WriteLatency", provider, str(LATENCY_BYTES), "60000", properties=both)
    lines.append(f"{latency} >latency-$round 2>latency-log-$round")
    return lines


def throughput_rows(folder, rounds):
    rows = []
    for op, size, _, _, target in THROUGHPUT:
        theirs, ours, verified = [], [], True
        for number in range(1, rounds + 1):
            theirs.append(last_line(folder / f"ib-{op}-{size}-{number}", str(size))[3] / 8)
            report = folder / f"kvwire-{op}-{size}-{number}"
            if not report.exists():
                raise RigError(f"kvwire perf {op} measured nothing: {(folder / f'log-{op}-{size}-{number}').read_text()}")
            result = json.loads(report.read_text())["results"][0]
            ours.append(result["gigabytesPerSecond"])
            verified = verified and result["verified"] is True
        baseline, measured = statistics.median(theirs), statistics.median(ours)
        ratio = measured / baseline
        rows.append(
            {
                "what": f"{op.upper()} {size >> 10} KiB",
                "unit": "MB/s",
                "baseline": f"ib_{op}_bw",
                "theirs": baseline * 1000,
                "ours": measured * 1000,
                "ratio": ratio,
                "ratios": [a / b for a, b in zip(ours, theirs)],
                "target": f"at least {target:.2f}",
                "reached": ratio >= target,
                "verified": verified,
            }
        )
    return rows


def latency_rows(folder, rounds):
    theirs, ours = [], []
    for number in range(1, rounds + 1):
        # bytes, iterations, least, most, typical: the typical one is the median.
        theirs.append(last_line(folder / f"ib-latency-{number}", str(LATENCY_BYTES))[4])
        said = (folder / f"latency-{number}").read_text()
        if ":" not in said:
            raise RigError(f"WriteLatency measured nothing: {(folder / f'latency-log-{number}').read_text()}")
        ours.append(float(said.rpartition(":")[2]))
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        {
            "what": f"WRITE {LATENCY_BYTES} B, half a round trip",
            "unit": "us",
            "baseline": "ib_write_lat",
            "theirs": statistics.median(theirs),
            "ours": statistics.median(ours),
            "ratio": ratio,
            "ratios": [a / b for a, b in zip(ours, theirs)],
            "target": f"at most {LATENCY_RATIO}",
            "reached": ratio <= LATENCY_RATIO,
        }
    ]


def last_line(file, first_word):
    """The figures of the last line of perftest's table."""
    text = file.read_text() if file.exists() else "nothing"
    lines = [line.split() for line in text.splitlines() if line.split()[:1] == [first_word]]
    if not lines:
        raise RigError(f"perftest measured nothing: {text}")
    return [float(word) for word in lines[-1]]


def write(folder, name, provider, rounds, seconds, rows):
    folder.mkdir(parents=True, exist_ok=True)
    name = name or f"rdma-{datetime.date.today()}"
    command = f"./kvwire rig perf --provider {provider} --rounds {rounds} --seconds {seconds}"
    machine = f"guest with 2 {EMULATED.described} and Soft-RoCE, on {os.cpu_count()} processors, Linux {platform.release()}"
    report = {"what": "the RDMA path beside perftest", "machine": machine, "command": command, "provider": provider, "rows": rows}
    (folder / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n")
    table = [
        "# The RDMA path beside perftest",
        "",
        f"{machine[0].upper()}{machine[1:]}; {rounds} rounds, `{command}`.",
        "Figures are those of an emulated processor, which runs Java and C slower by different factors: only ratios mean anything.",
        "Throughput is that of whole transfers between two nodes, over one queue pair; latency is that of the wire's calls.",
        "",
        "| | unit | perftest | kvwire | ratio | of each round | target | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        reached = "reached" if row["reached"] else "**not reached**"
        table.append(
            f"| {row['what']} ({row['baseline']}) | {row['unit']} | {row['theirs']:.1f} | {row['ours']:.1f} | {row['ratio']:.2f} "
            f"| {', '.join(f'{ratio:.2f}' for ratio in row['ratios'])} | {row['target']} | {reached}{'' if row.get('verified', True) else ', WRONG BYTES'} |"
        )
    (folder / f"{name}.md").write_text("\n".join(table) + "\n")
