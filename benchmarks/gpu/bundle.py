#!/usr/bin/env python3
"""Packs what a machine with a GPU needs to test and measure kvwire: a Java runtime, our jars, the tests, and run.py.

    benchmarks/gpu/bundle.py [--out FOLDER] [--jdk FOLDER] [--build FOLDER]

Build first: mvn -Dquick package, which leaves classes, also the tests', in target/quick of each module; a full build leaves
them in target. Needs a JDK 25 with jlink (in --jdk, JAVA_HOME, JAVA25_HOME
or below /usr/lib/jvm). Writes FOLDER (target/kvwire-gpu), at most 64 MiB, which is then copied to that machine as it is;
it needs Python 3.9 or newer there, NVIDIA's driver, and nothing else.
"""
import argparse
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_BYTES = 64 << 20
OURS = ["transport-api", "kv-codec", "native", "transport-tcp", "transport-rdma", "transport-pcie", "harness"]
WITH_TESTS = ["native", "transport-pcie", "harness"]
# What our modules and the libraries ask for; jdk.jfr and java.naming only where Netty and JUnit look for them.
MODULES = ["java.base", "java.logging", "java.management", "java.naming", "java.xml", "jdk.incubator.vector",
           "jdk.management", "jdk.unsupported", "jdk.zipfs"]
TEST_LIBRARIES = {"junit-jupiter-api", "junit-jupiter-engine", "junit-jupiter-params", "junit-platform-commons",
                  "junit-platform-engine", "junit-platform-launcher", "junit-platform-console", "junit-platform-reporting",
                  "opentest4j", "open-test-reporting-tooling-spi", "apiguardian-api", "awaitility", "hamcrest"}


def find_jdk(named):
    candidates = [named, os.environ.get("JAVA_HOME"), os.environ.get("JAVA25_HOME"), *sorted(Path("/usr/lib/jvm").glob("*"))]
    for jdk in filter(None, candidates):
        release = Path(jdk) / "release"
        if (Path(jdk) / "bin/jlink").exists() and release.is_file() and 'JAVA_VERSION="25' in release.read_text():
            return Path(jdk)
    sys.exit("no JDK 25 with jlink: install one, or name it with --jdk")


def link(jdk, target):
    # Newer JDKs come without jmods and link from themselves.
    path = ["--module-path", jdk / "jmods"] if (jdk / "jmods").is_dir() else []
    subprocess.run([jdk / "bin/jlink", *path, "--add-modules", ",".join(MODULES), "--strip-debug", "--no-header-files",
                    "--no-man-pages", "--compress", "zip-9", "--output", target], check=True)


def pack(folder):
    """Replaces a folder by an archive of it, which run.py unpacks where it first runs."""
    shutil.make_archive(str(folder), "gztar", root_dir=folder.parent, base_dir=folder.name)
    shutil.rmtree(folder)


def jar_of(folder, target):
    """Packs a folder of classes, with entries for its folders, without which JUnit finds no test by its package."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as jar:
        for path in sorted(folder.rglob("*")):
            if "META-INF/maven" not in str(path) and path.name != "module-info.class":
                jar.write(path, path.relative_to(folder))


def only_linux(jar, target):
    """Copies a library without what it brings for other systems."""
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as slim:
        for entry in source.infolist():
            name = entry.filename.lower()
            other = any(word in name for word in ("/win", "darwin", "osx", "aarch64", "arm64", "/android", "ppc64", "s390", "riscv",
                                                  "loongarch", "aix", "solaris", "freebsd", "i386", "mips", "sparc"))
            native = name.endswith((".so", ".dll", ".dylib", ".jnilib", ".gz")) or "/native/" in name
            if not (other and native):
                slim.writestr(entry, source.read(entry))


def libraries(build):
    runtime = ROOT / "harness" / build / "lib"
    if not runtime.is_dir():
        sys.exit(f"{runtime.relative_to(ROOT)} is missing: build first, mvn -Dquick package")
    yield from (jar for jar in runtime.glob("*.jar") if not jar.name.startswith("kvwire-"))
    repository = Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2/repository"))
    versions = (ROOT / "pom.xml").read_text()
    junit = versions.split("<junit.version>")[1].split("<")[0]
    platform = "1." + junit.split(".", 1)[1]
    for name in sorted(TEST_LIBRARIES):
        wanted = junit if name.startswith("junit-jupiter") else platform if name.startswith("junit-platform") else "*"
        jars = sorted(repository.rglob(f"{name}-{wanted}.jar"))
        if jars:
            yield jars[-1]
        elif name.startswith("junit"):
            sys.exit(f"no {name}-{wanted}.jar below {repository}: build with tests once, or set MAVEN_REPOSITORY")


def size_of(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "target/kvwire-gpu")
    parser.add_argument("--jdk", help="folder of a JDK 25")
    parser.add_argument("--build", default="target/quick", help="where each module's classes are")
    options = parser.parse_args()
    if options.out.exists():
        shutil.rmtree(options.out)
    lib = options.out / "lib"
    lib.mkdir(parents=True)
    link(find_jdk(options.jdk), options.out / "jre")
    pack(options.out / "jre")
    for jar in libraries(options.build):
        only_linux(jar, lib / jar.name)
    for module in OURS:
        classes = ROOT / module / options.build / "classes"
        if not classes.is_dir():
            sys.exit(f"{classes} is missing: build first, mvn -Dquick package")
        jar_of(classes, lib / f"kvwire-{module}.jar")
    for module in WITH_TESTS:
        classes = ROOT / module / options.build / "test-classes"
        if not classes.is_dir():
            sys.exit(f"{classes} is missing: build with the tests' classes")
        jar_of(classes, lib / f"kvwire-{module}-tests.jar")
    shutil.copy(Path(__file__).parent / "run.py", options.out)
    size = size_of(options.out)
    print(f"{options.out}: {size / (1 << 20):.1f} MiB")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES >> 20} MiB: leave something out")


if __name__ == "__main__":
    main()
