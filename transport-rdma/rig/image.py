"""What a guest boots: a kernel of the distribution, unpacked and never installed, and an initramfs with the modules it needs.

Both are kept in a cache folder, so only the first boot pays for them.
"""

import gzip
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# crc32_generic: without it rxe cannot be added ("No such file or directory"). With crc32_pclmul, whose instruction QEMU carries out
# bit by bit, rxe takes half as long again.
MODULES = (
    "virtio_pci virtio_net 9pnet_virtio 9p overlay crc32_generic ib_uverbs rdma_rxe rdma_ucm veth "
    "sch_netem sch_prio cls_u32"
).split()


class RigError(Exception):
    """Says what is missing on this machine or went wrong in a guest, and what to do."""


def cache_folder():
    chosen = os.environ.get("KVWIRE_RIG_CACHE")
    if chosen:
        return pathlib.Path(chosen)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "kvwire" / "rig"


def boot_files():
    """The kernel and the initramfs to boot, made where they are not there yet."""
    missing = [tool for tool in ("qemu-system-x86_64", "busybox", "cpio", "modprobe", "rdma") if not which(tool)]
    if missing:
        raise RigError(
            f"not installed: {', '.join(missing)}. On Debian: apt-get install qemu-system-x86 busybox-static cpio kmod "
            "iproute2 rdma-core ibverbs-providers ibverbs-utils perftest"
        )
    unpacked = unpacked_kernel()
    return unpacked.kernel, initramfs(unpacked)


def which(tool):
    return shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class Unpacked:
    """A kernel package laid out in a folder."""

    def __init__(self, folder):
        self.folder = folder
        kernels = sorted((folder / "boot").glob("vmlinuz-*"))
        if not kernels:
            raise RigError(f"no boot/vmlinuz-* below {folder}; remove the folder, or name another in KVWIRE_RIG_KERNEL")
        self.kernel = kernels[-1]
        self.version = self.kernel.name.removeprefix("vmlinuz-")


def unpacked_kernel():
    chosen = os.environ.get("KVWIRE_RIG_KERNEL")
    if chosen:
        return Unpacked(pathlib.Path(chosen))
    kernels = cache_folder() / "kernels"
    kept = sorted(kernels.glob("linux-image-*")) if kernels.is_dir() else []
    return Unpacked(kept[-1] if kept else download(kernels))


def download(kernels):
    """Fetches and unpacks the plain kernel; the cloud flavour is configured differently and has no rxe."""
    shown = run(["apt-cache", "depends", "linux-image-amd64"])
    match = re.search(r"Depends: (linux-image-\S+-amd64)", shown)
    if not match:
        raise RigError(
            "apt knows no package linux-image-amd64 (is this Debian, and has apt-get update run?); unpack a kernel with "
            "rdma_rxe yourself and name its folder in KVWIRE_RIG_KERNEL"
        )
    kernels.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kernels, prefix="part-") as part:
        run(["apt-get", "-q", "download", match[1]], cwd=part)
        package = next(pathlib.Path(part).glob("*.deb"))
        tree = pathlib.Path(part) / "tree"
        run(["dpkg", "-x", str(package), str(tree)])
        version = Unpacked(tree).version
        run([which("depmod"), "-b", str(tree), version])
        done = kernels / match[1]
        if not done.exists():
            tree.rename(done)
        return done


def initramfs(unpacked):
    init = (HERE / "init").read_bytes()
    key = hashlib.sha256(init + unpacked.version.encode() + " ".join(MODULES).encode()).hexdigest()[:16]
    done = cache_folder() / f"initramfs-{key}.gz"
    if done.exists():
        return done
    done.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=done.parent, prefix="part-") as part:
        tree = pathlib.Path(part) / "tree"
        lay_out(tree, init, unpacked)
        names = "".join(f"{path.relative_to(tree)}\n" for path in sorted(tree.rglob("*")))
        packed = subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree, input=names.encode(), check=True, capture_output=True
        ).stdout
        written = pathlib.Path(part) / "initramfs.gz"
        written.write_bytes(gzip.compress(packed, 6))
        written.rename(done)
    return done


def lay_out(tree, init, unpacked):
    for folder in ("bin", "dev", "proc", "sys", "modules"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(which("busybox"), tree / "bin" / "busybox")
    for name in ("sh", "mount", "mkdir", "insmod", "cat", "echo", "sed", "sleep", "switch_root"):
        (tree / "bin" / name).symlink_to("busybox")
    (tree / "init").write_bytes(init)
    (tree / "init").chmod(0o755)
    for number, module in enumerate(load_order(unpacked)):
        name = module.name.split(".ko")[0]
        (tree / "modules" / f"{number:03d}-{name}.ko").write_bytes(plain_bytes(module))


def load_order(unpacked):
    """Every module file once, each after those it depends on."""
    files = {}
    for module in MODULES:
        shown = run([which("modprobe"), "-d", str(unpacked.folder), "-S", unpacked.version, "--show-depends", module])
        for line in shown.splitlines():
            kind, _, path = line.partition(" ")
            if kind == "insmod":
                files.setdefault(pathlib.Path(path.split()[0]))
    return list(files)


def plain_bytes(module):
    if module.suffix == ".xz":
        return lzma.decompress(module.read_bytes())
    if module.suffix == ".ko":
        return module.read_bytes()
    raise RigError(f"cannot unpack the kernel module {module}; name an unpacked Debian kernel in KVWIRE_RIG_KERNEL")


def run(command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise RigError(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
