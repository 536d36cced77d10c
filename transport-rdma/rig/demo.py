"""Prefill in one guest, decode in the other: over RDMA and over TCP, in bulk and layer by layer."""

import json
import shlex
import shutil

from classes import WORK, command_line
from guests import run_guests
from machines import machine
from suites import Counts

ADDRESS = "10.9.0.1:7400"
PATHS = ("rdma", "tcp")
MODES = ("bulk", "layerwise")

# Waits by a read of what never comes: a sleep is a process, and to start one takes a guest a while.
PREFILL = """
mkfifo /tmp/never && exec {{never}}<>/tmp/never
{kvwire} prefill --model {model} --listen {address} --handshake-seconds 60 &
until [ -e $RIG_EXCHANGE/other-ended ]; do read -rt 0.5 -u $never; done
kill $!
"""

DECODE = """
decode() {{
    local name=$1; shift
    echo "--- $name"
    {kvwire} decode --model {model} {prompt} --max-tokens {tokens} --handshake-seconds 60 \
        --json "$RIG_EXCHANGE/$name.json" "$@" 2>&1 | grep -v WARN | tee "$RIG_EXCHANGE/$name.log"
}}
decode alone --alone
until (: </dev/tcp/{host}/{port}) 2>/dev/null; do sleep 0.2; done
{runs}
rdma link delete rxe0
decode without-device --prefill {address} --require rdma
exit 0
"""


def demo(paths, model, prompt, tokens, timeout, report):
    """Runs it all; returns the exit status. REPORT is a file for the figures, or None."""
    counts = Counts()
    folder = WORK / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    host, _, port = ADDRESS.partition(":")
    runs = [f"decode {path}-{mode} --prefill {ADDRESS} --require {path} --mode {mode}" for path in paths for mode in MODES]
    words = {
        "kvwire": command_line(),
        "model": shlex.quote(model),
        "prompt": f"--prompt {shlex.quote(prompt)}" if prompt else "",
        "tokens": tokens,
        "address": ADDRESS,
        "host": host,
        "port": port,
        "runs": "\n".join(runs),
    }
    run_guests([PREFILL.format(**words), DECODE.format(**words)], folder, timeout=timeout, cpus=2)
    rows = {name: load(folder / "2" / f"{name}.json") for name in ("alone", *(f"{p}-{m}" for p in paths for m in MODES))}
    judge(counts, paths, rows, tokens, (folder / "2" / "without-device.log").read_text())
    table(rows)
    if report:
        write(report, model, rows, counts)
    return counts.close()


def load(file):
    return json.loads(file.read_text()) if file.exists() else {}


def judge(counts, paths, rows, tokens, without_device):
    expected = rows["alone"].get("tokens", [])
    counts.check(f"one process makes {tokens} tokens", len(expected) == tokens, f"{len(expected)}")
    for path in paths:
        for mode in MODES:
            row = rows[f"{path}-{mode}"]
            same = row.get("tokens") == expected and row.get("path") == path and row.get("mode") == mode
            counts.check(f"{path} {mode}: the tokens of one process", same, f"path {row.get('path')}, tokens {row.get('tokens')}")
    refused = "rdma" in without_device and "kvwire:" in without_device
    counts.check("--require rdma fails loudly on a host without a device", refused, without_device.strip())


def table(rows):
    print(f"\n{'path':6} {'mode':10} {'TTFT ms':>9} {'TPOT ms':>9} {'transfer ms':>12} {'hidden %':>9} {'MB':>7}  ({machine().described})")
    for row in filter(None, rows.values()):
        print(
            f"{row['path']:6} {row['mode']:10} {row['ttftMillis']:9.1f} {row['tpotMillis']:9.2f} {row['transferMillis']:12.1f} "
            f"{100 * row['hiddenShare']:9.0f} {row['transferBytes'] / 1e6:7.2f}"
        )


def write(report, model, rows, counts):
    report.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {
            "what": f"step 3 between two virtual hosts with Soft-RoCE; times are those of {machine().described}",
            "model": model,
            "passed": counts.passed,
            "failed": counts.failed,
            "rows": [row for row in rows.values() if row],
        },
        indent=2,
    )
    report.write_text(text + "\n")
