#!/usr/bin/env python3
"""Compiles the device kernels that ship compiled, or checks that what ships matches its source.

    compile-kernels.py ptx      writes kv_rows.ptx and llama.ptx; needs NVRTC 12 (python3 -m pip install nvidia-cuda-nvrtc-cu12==12.9.86)
    compile-kernels.py spirv    writes kv_rows.spv; needs clang and llvm-spirv of one LLVM version
    compile-kernels.py check    compiles whatever there is a compiler for and compares byte for byte;
                                elsewhere it compares the hash of the source and says what it skipped

With --require, a missing compiler is an error too: for continuous integration. --require ptx asks for that one alone.
Beside each file stands FILE.from: the hash of its source, the compiler and its options, and the hash of the file.
"""

import argparse
import ctypes
import glob
import hashlib
import json
import os
import re
import shutil
import site
import subprocess
import sys
import tempfile

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "src/main/resources/io/kvwire/ffi/kernels")

# Every device since Ampere runs it: the driver compiles PTX for what it finds. 80 is the first with a warp-wide maximum.
PTX_OPTIONS = ["--gpu-architecture=compute_80", "--std=c++17", "--fmad=false"]
CLANG_OPTIONS = ["-x", "cl", "-cl-std=CL1.2", "-target", "spir64-unknown-unknown", "-Xclang", "-finclude-default-header", "-O2", "-c", "-emit-llvm"]


class NoCompiler(Exception):
    """Says what is missing and how to get it."""


def source(kind):
    text = ""
    for name in kind.parts:
        with open(os.path.join(FOLDER, name), encoding="ascii") as file:
            text += file.read()
    return text


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Ptx:
    name, parts = "kv_rows.ptx", ("cuda.h", "kv_rows.h", "kv_runs.h")

    def __init__(self):
        self.library = self.load()
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
        self.compiler = "NVRTC %d.%d" % (major.value, minor.value)
        self.options = PTX_OPTIONS

    @staticmethod
    def load():
        folders = [os.path.join(root, "nvidia/cuda_nvrtc/lib") for root in sys.path + site.getsitepackages()]
        folders += os.environ.get("NVRTC_FOLDER", "").split(os.pathsep)
        files = [file for folder in folders for file in glob.glob(os.path.join(folder, "libnvrtc.so.12"))]
        try:
            return ctypes.CDLL(files[0] if files else "libnvrtc.so.12")
        except OSError:
            raise NoCompiler("no NVRTC 12: python3 -m pip install nvidia-cuda-nvrtc-cu12==12.9.86, or name its folder in NVRTC_FOLDER")

    def compile(self):
        program = ctypes.c_void_p()
        call = self.library
        text = source(self).encode()
        self.checked(call.nvrtcCreateProgram(ctypes.byref(program), text, self.name.replace(".ptx", ".cu").encode(), 0, None, None))
        try:
            options = (ctypes.c_char_p * len(PTX_OPTIONS))(*(option.encode() for option in PTX_OPTIONS))
            status = call.nvrtcCompileProgram(program, len(options), options)
            if status != 0:
                sys.exit(self.text(call.nvrtcGetProgramLogSize, call.nvrtcGetProgramLog, program).decode())
            return self.text(call.nvrtcGetPTXSize, call.nvrtcGetPTX, program)
        finally:
            call.nvrtcDestroyProgram(ctypes.byref(program))

    def text(self, size_of, get, program):
        size = ctypes.c_size_t()
        self.checked(size_of(program, ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        self.checked(get(program, buffer))
        return buffer.value

    def checked(self, status):
        if status != 0:
            self.library.nvrtcGetErrorString.restype = ctypes.c_char_p
            sys.exit("NVRTC: " + self.library.nvrtcGetErrorString(status).decode())


class LlamaPtx(Ptx):
    name, parts = "llama.ptx", ("cuda.h", "kv_rows.h", "llama.h")


class SpirV:
    name, parts = "kv_rows.spv", ("opencl.h", "kv_rows.h")

    def __init__(self):
        self.options = CLANG_OPTIONS
        for version in ("-15", "-16", "-17", "-18", "-19", "-14", ""):
            self.clang, self.translator = shutil.which("clang" + version), shutil.which("llvm-spirv" + version)
            if self.clang and self.translator:
                output = subprocess.run([self.clang, "--version"], capture_output=True, text=True, check=True).stdout
                self.compiler = "clang " + re.search(r"version (\d+\.\d+\.\d+)", output).group(1)
                return
        raise NoCompiler("no clang and llvm-spirv of one version: apt-get install clang-15 llvm-spirv-15")

    def compile(self):
        with tempfile.TemporaryDirectory() as folder:
            text, bitcode, binary = (os.path.join(folder, "kv_rows" + end) for end in (".cl", ".bc", ".spv"))
            with open(text, "w", encoding="ascii") as file:
                file.write(source(self))
            # A relative name: where the build happens must not show in the result.
            subprocess.run([self.clang, *CLANG_OPTIONS, "-o", bitcode, "kv_rows.cl"], check=True, cwd=folder)
            subprocess.run([self.translator, "--spirv-max-version=1.0", bitcode, "-o", binary], check=True)
            with open(binary, "rb") as file:
                return file.read()


def origin(kind, compiler, options, data):
    return {"sourceSha256": digest(source(kind).encode()), "compiler": compiler, "options": options, "fileSha256": digest(data)}


def write(kind):
    data = kind.compile()
    path = os.path.join(FOLDER, kind.name)
    with open(path, "wb") as file:
        file.write(data)
    with open(path + ".from", "w", encoding="ascii") as file:
        json.dump(origin(kind, kind.compiler, kind.options, data), file, indent=2)
        file.write("\n")
    print("%s: %d bytes by %s" % (kind.name, len(data), kind.compiler))


def check(make, require):
    """Returns what is wrong."""
    path = os.path.join(FOLDER, make.name)
    with open(path, "rb") as file:
        shipped = file.read()
    with open(path + ".from", encoding="ascii") as file:
        recorded = json.load(file)
    again = "; run native/compile-kernels.py " + ("spirv" if make is SpirV else "ptx")
    if recorded["sourceSha256"] != digest(source(make).encode()):
        return [make.name + " was compiled from another source" + again]
    if recorded["fileSha256"] != digest(shipped):
        return [make.name + " is not the file that its record describes" + again]
    try:
        kind = make()
    except NoCompiler as missing:
        print("%s: source and file match the record; NOT RECOMPILED, %s" % (make.name, missing))
        return [str(missing)] if require else []
    fresh = kind.compile()
    if recorded["compiler"] != kind.compiler or recorded["options"] != kind.options:
        if recorded["options"] != kind.options:
            return [make.name + " was compiled with other options" + again]
        print("%s: compiles with %s; NOT COMPARED, it ships compiled by %s" % (make.name, kind.compiler, recorded["compiler"]))
        return [make.name + " needs " + recorded["compiler"] + " to be compared"] if require else []
    if fresh != shipped:
        return [make.name + " differs from what its source compiles to" + again]
    print("%s: equals what %s makes of its source" % (make.name, kind.compiler))
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ptx", "spirv", "check"])
    parser.add_argument("--require", nargs="*", choices=["ptx", "spirv"], metavar="KIND",
                        help="fail where the compiler of ptx, of spirv, or of both is missing or another version")
    options = parser.parse_args()
    if options.what == "check":
        required = [] if options.require is None else options.require or ["ptx", "spirv"]
        kinds = (("ptx", Ptx), ("ptx", LlamaPtx), ("spirv", SpirV))
        wrong = [problem for kind, make in kinds for problem in check(make, kind in required)]
        sys.exit("\n".join(wrong) if wrong else 0)
    try:
        for kind in (Ptx, LlamaPtx) if options.what == "ptx" else (SpirV,):
            write(kind())
    except NoCompiler as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    main()
