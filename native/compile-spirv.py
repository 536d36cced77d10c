#!/usr/bin/env python3
"""Compiles kv_runs.h and llama.h to SPIR-V for Level Zero, or checks that what ships matches its source.

    compile-spirv.py write      writes kv_runs.spv and llama.spv; needs clang and llvm-spirv of one LLVM version
    compile-spirv.py check      compiles and compares byte for byte; without a compiler of the recorded version it
                                compares the hash of the source and says what it skipped

With --require, a missing compiler is an error too: for continuous integration. Compilers, records and the file of
kv_rows.h are those of compile-kernels.py.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

_spec = importlib.util.spec_from_file_location("kernels", os.path.join(os.path.dirname(os.path.abspath(__file__)), "compile-kernels.py"))
kernels = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(kernels)

# What clang 15 makes of divisions at a higher level has no form in SPIR-V 1.0. Drivers optimise anyway.
OPTIONS = [option for option in kernels.CLANG_OPTIONS if option != "-O2"] + ["-O0", "-Xclang", "-disable-O0-optnone", "-D__OPENCL_VERSION__=120"]
MODULES = {"kv_runs.spv": ("opencl.h", "kv_rows.h", "kv_runs.h"), "llama.spv": ("opencl.h", "kv_rows.h", "llama.h")}


def path(name):
    return os.path.join(kernels.FOLDER, name)


def source(name):
    text = ""
    for part in MODULES[name]:
        with open(path(part), encoding="ascii") as file:
            text += file.read()
    return text.encode("ascii")


def compiled(compilers, name):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "kernels.cl"), "wb") as file:
            file.write(source(name))
        # Relative names: where the build happens must not show in the result.
        subprocess.run([compilers.clang, *OPTIONS, "-o", "kernels.bc", "kernels.cl"], check=True, cwd=folder)
        subprocess.run([compilers.translator, "--spirv-max-version=1.0", "kernels.bc", "-o", "kernels.spv"], check=True, cwd=folder)
        with open(os.path.join(folder, "kernels.spv"), "rb") as file:
            return file.read()


def record(compilers, name, data):
    return {"sourceSha256": kernels.digest(source(name)), "compiler": compilers.compiler, "options": OPTIONS, "fileSha256": kernels.digest(data)}


def write(compilers, name):
    data = compiled(compilers, name)
    with open(path(name), "wb") as file:
        file.write(data)
    with open(path(name) + ".from", "w", encoding="ascii") as file:
        json.dump(record(compilers, name, data), file, indent=2)
        file.write("\n")
    print("%s: %d bytes by %s" % (name, len(data), compilers.compiler))


def check(name, require):
    """Returns what is wrong."""
    with open(path(name), "rb") as file:
        shipped = file.read()
    with open(path(name) + ".from", encoding="ascii") as file:
        recorded = json.load(file)
    again = "; run native/compile-spirv.py write"
    if recorded["sourceSha256"] != kernels.digest(source(name)) or recorded["options"] != OPTIONS:
        return [name + " was compiled from another source or with other options" + again]
    if recorded["fileSha256"] != kernels.digest(shipped):
        return [name + " is not the file that its record describes" + again]
    try:
        compilers = kernels.SpirV()
    except kernels.NoCompiler as missing:
        print("%s: source and file match the record; NOT RECOMPILED, %s" % (name, missing))
        return [str(missing)] if require else []
    if recorded["compiler"] != compilers.compiler:
        print("%s: NOT COMPARED, it ships compiled by %s, and %s is here" % (name, recorded["compiler"], compilers.compiler))
        return [name + " needs " + recorded["compiler"] + " to be compared"] if require else []
    if compiled(compilers, name) != shipped:
        return [name + " differs from what its source compiles to" + again]
    print("%s: equals what %s makes of its source" % (name, compilers.compiler))
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["write", "check"])
    parser.add_argument("--require", action="store_true", help="fail where a compiler is missing or another version")
    options = parser.parse_args()
    if options.what == "check":
        wrong = [problem for name in MODULES for problem in check(name, options.require)]
        sys.exit("\n".join(wrong) if wrong else 0)
    try:
        compilers = kernels.SpirV()
    except kernels.NoCompiler as missing:
        sys.exit(str(missing))
    for name in MODULES:
        write(compilers, name)


if __name__ == "__main__":
    main()
