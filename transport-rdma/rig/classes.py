"""What the JVMs of guests load: jars of what a module is built from, and a class-data archive of them.

Most of what a JVM does when it starts is to read, verify and link classes. An archive has them as they
are in memory afterwards; it holds no machine code, so that it is made here and used on an emulated processor that can less.
"""

import hashlib
import os
import pathlib
import shlex
import subprocess
import time
import zipfile

from image import HERE, RigError

ROOT = HERE.parents[1]
WORK = ROOT / "target" / "rig"

# Part of the name of every jar and archive: to be counted up when they are made in another way.
LAYOUT = "1"


# An emulated processor is some twenty times slower than a real one, compilers included: only the quick one pays off. On one
# that is not, JVMs that live for a minute hardly differ.
GUEST_FLAGS = (
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
).split()
# Scalar code: compiling vectors takes longer than all that guests do takes without.
COMMAND_FLAGS = [*GUEST_FLAGS, "-XX:MaxVectorSize=4", "--add-modules", "jdk.incubator.vector"]
COMMAND = "io.kvwire.harness.cli.Start"


def command_line():
    """The shell words that stand for ./kvwire in a guest: the same jars, with an archive of the classes for the JVM of a guest.

    The launcher itself looks at every source first, which takes long through a guest's file system.
    """
    subprocess.run([ROOT / "kvwire", "--version"], stdout=subprocess.DEVNULL, check=True)
    state = ROOT / "target" / "kvwire"
    jars = (state / (state / "current").read_text().strip() / "lib").glob("*.jar")
    classpath = os.pathsep.join(map(str, sorted(jars)))
    flags = [*COMMAND_FLAGS, f"-Dkvwire.home={ROOT}"]
    alone = [COMMAND, "decode", "--alone", "--prompt", "And it came to pass", "--max-tokens", "2"]
    classes = archive("command", classpath, flags, [[COMMAND, "rehearse", "--model", "tiny"], alone])
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    return shlex.join([str(java()), *mapped(classes), *flags, quiet, "-cp", classpath, COMMAND])


def java_home():
    """The JDK that the launcher found; it looks for one when it has not yet."""
    chosen = os.environ.get("KVWIRE_JAVA_HOME")
    if chosen:
        return pathlib.Path(chosen)
    kept = ROOT / "target" / "kvwire" / "jdk"
    if not kept.exists():
        subprocess.run([ROOT / "kvwire", "--version"], stdout=subprocess.DEVNULL, check=True)
    return pathlib.Path(kept.read_text().strip())


def java():
    return java_home() / "bin" / "java"


def built(module):
    """Compiles a module and its tests where a source is newer than the last time; returns their class path, jars alone."""
    kept = WORK / "classes" / f"{module}.classpath"
    sources = [path for pom in sorted(ROOT.glob("*/pom.xml")) for path in (pom, pom.parent / "src")]
    if kept.exists() and not newer(kept, [ROOT / "pom.xml", *sources]):
        path = kept.read_text().split(os.pathsep)
        if all(map(os.path.exists, path)):
            return os.pathsep.join(path)
    started = time.time()
    path = os.pathsep.join(map(str, compiled(module)))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(path)
    os.utime(kept, (started, started))
    return path


def newer(file, paths):
    """Whether one of the paths, or anything below one, was changed after the file. Folders count: a deleted file changes them."""
    found = subprocess.run(
        ["find", *[path for path in paths if path.exists()], "-newer", file, "-print", "-quit"], capture_output=True, text=True, check=True
    )
    return bool(found.stdout)


def compiled(module):
    """Compiles a module and its tests; returns their class path.

    Classes are packed into jars that nothing is ever written to again: a guest keeps the files that it has read and must not see
    half of a later build, and an archive is of jars alone.
    """
    target = ROOT / module / "target"
    listed = target / "rig.classpath"
    command = ["mvn", "-B", "-q", "-Dquick", "-pl", module, "-am", "test-compile", "dependency:build-classpath"]
    command += ["-Dmdep.outputFile=target/rig.classpath"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"JAVA_HOME": str(java_home())})
    if done.returncode != 0:
        raise RigError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    path = []
    for entry in [target / "quick" / "test-classes", target / "quick" / "classes", *listed.read_text().strip().split(os.pathsep)]:
        entry = pathlib.Path(entry)
        if entry.is_dir():
            entry = packed(entry, WORK / "classes", f"{entry.relative_to(ROOT).parts[0]}-{entry.name}")
        path.append(entry)
    if not any(entry.name.startswith("junit-platform-console") for entry in path):
        raise RigError(f"{module}/pom.xml has no test dependency on junit-platform-console, which runs the tests in a guest")
    return path


def packed(folder, into, name):
    """Packs a folder of classes into a jar INTO/NAME-HASH.jar, the same one while they are the same; returns it."""
    # Folders have entries, too: those who look for the classes of a package ask for them.
    paths = sorted(folder.rglob("*"))
    names = [f"{path.relative_to(folder).as_posix()}{'/' if path.is_dir() else ''}" for path in paths]
    contents = [b"" if path.is_dir() else path.read_bytes() for path in paths]
    digest = hashlib.sha256(LAYOUT.encode())
    for each, content in zip(names, contents):
        digest.update(f"{each}\0{len(content)}\0".encode() + content)
    jar = into / f"{name}-{digest.hexdigest()[:16]}.jar"
    if jar.exists():
        return jar
    into.mkdir(parents=True, exist_ok=True)
    part = into / f"{jar.name}.{os.getpid()}"
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for each, content in zip(names, contents):
            archive.writestr(zipfile.ZipInfo(each), content)
    part.rename(jar)
    return jar


def archive(name, classpath, flags, trainings):
    """The class-data archive for JVMs with this class path and these flags; None, with a line that says why, where none can be made.

    Has the classes that some commands load, each given by the words after the class path, and all of those built here. It is
    made anew when a jar, the flags, the commands or the JDK are others than the last time.
    """
    into = WORK / "archives"
    state = [LAYOUT, (java_home() / "release").read_text(), *flags, *map(str, trainings)]
    for entry in classpath.split(os.pathsep):
        seen = os.stat(entry)
        state.append(f"{entry} {seen.st_size} {seen.st_mtime_ns}")
    file = into / f"{name}-{hashlib.sha256(os.linesep.join(state).encode()).hexdigest()[:16]}.jsa"
    if not file.exists():
        started = time.monotonic()
        into.mkdir(parents=True, exist_ok=True)
        for old in into.glob(f"{name}-*"):
            old.unlink()
        make_archive(file, classpath, flags, trainings)
        if file.exists():
            print(f"rig: archived the classes for guests in {time.monotonic() - started:.0f} s", flush=True)
    wanted = [java(), *flags, f"-XX:SharedArchiveFile={file}", "-Xshare:on", "-cp", classpath, "-version"]
    tried = subprocess.run(wanted, capture_output=True, text=True)
    if tried.returncode == 0:
        return file
    print(f"rig: JVMs start without an archive of their classes, so slower: {first_line(tried)}; see {file}.log", flush=True)
    return None


def mapped(file):
    """The flags of a JVM that uses an archive where it can; none for no archive."""
    return [f"-XX:SharedArchiveFile={file}", "-Xshare:auto"] if file else []


def make_archive(file, classpath, flags, trainings):
    """Makes the archive from what the JVM says it has loaded; all that is printed is in a log beside it."""
    lists = []
    with open(f"{file}.log", "w") as log:
        for number, words in enumerate(trainings):
            lists.append(pathlib.Path(f"{file}.classes-{number}"))
            command = [java(), *flags, f"-XX:DumpLoadedClassList={lists[-1]}", "-cp", classpath, *words]
            subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=file.parent)
        seen = [line for each in lists if each.exists() for line in each.read_text().splitlines()]
        wanted = pathlib.Path(f"{file}.classes")
        wanted.write_text("".join(f"{line}\n" for line in to_archive(seen, own_classes(classpath))))
        part = f"{file}.part"
        command = [java(), *flags, "-Xshare:dump", "-XX:+AOTClassLinking", f"-XX:SharedClassListFile={wanted}"]
        command += [f"-XX:SharedArchiveFile={part}", "-cp", classpath]
        done = subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    if done.returncode == 0 and os.path.exists(part):
        os.rename(part, file)


def to_archive(seen, own):
    """The lines of a list of classes to archive: those of a list that a JVM has written, and those of some more classes."""
    lines = {}
    for line in seen:
        # Numbers are those of one list. A class that has a source was loaded by a loader of its own.
        if line and not line.startswith("#") and " source: " not in line:
            lines[line if line.startswith("@") else line.split()[0]] = True
    return [*lines, *(each for each in own if each not in lines)]


def own_classes(classpath):
    """The classes in jars that were built or packed here, by their names in the JVM."""
    for entry in map(pathlib.Path, classpath.split(os.pathsep)):
        if entry.parent == WORK / "classes" or entry.name.startswith("kvwire-"):
            with zipfile.ZipFile(entry) as jar:
                names = [name.removesuffix(".class") for name in jar.namelist() if name.endswith(".class")]
            yield from (name for name in names if not name.endswith("module-info"))


def first_line(done):
    return next((line for line in (done.stdout + done.stderr).splitlines() if line.strip()), f"java ended with {done.returncode}")
