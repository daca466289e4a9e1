"""Carries out the Dockerfile in chroots: a Debian of debootstrap stands in for the image of Python.

Only the instructions and options that the Dockerfile has are known; another is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGE = re.compile(r"python:(3\.\d+)-slim-(\w+)")
MIRROR = "http://deb.debian.org/debian"
IGNORED = shutil.ignore_patterns("__pycache__", "*.so")
# So that apt and pip reach the servers that this machine reaches.
NETWORK = ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt")
SPEECH = ROOT / "docs" / "audio" / "speech-16k.flac"


class DockerfileError(Exception):
    """The Dockerfile cannot be carried out here."""


def read(text: str) -> list[tuple[str, str]]:
    """Give the instructions, each with its arguments in one line."""
    joined = re.sub(r"\\\n\s*", "", text)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest.strip()) for word, _, rest in (x.partition(" ") for x in lines)]


@dataclass
class Stage:
    """A root folder, and the settings of the commands to come."""

    root: Path
    folder: str = "/"
    user: str = "root"
    environment: dict[str, str] = field(default_factory=dict)
    entry: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def at(self, path: str) -> Path:
        """Give a path in it on this machine; from its working folder unless it is absolute."""
        return self.root / os.path.normpath(Path(self.folder, path)).lstrip("/")

    def run(self, command: list[str]) -> None:
        """Run a command in it; an error names it."""
        inside = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", self.folder, *command]
        home = "/root" if self.user == "root" else f"/home/{self.user}"
        usual = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home}
        usual |= {name: value for name, value in os.environ.items() if name == "PIP_CERT"}
        result = subprocess.run(
            ["chroot", f"--userspec={self.user}", self.root, *inside], env=usual | self.environment
        )
        if result.returncode:
            raise DockerfileError(f"exit code {result.returncode}: {shlex.join(command)}")


class Build:
    """The stages of a Dockerfile, from its first instruction to its last."""

    def __init__(self, folder: Path, context: Path = ROOT) -> None:
        self.folder = folder
        self.context = context
        self.stages: dict[str, Stage] = {}
        self.stage: Stage

    def carry_out(self, instructions: list[tuple[str, str]]) -> Stage:
        """Carry them out; give the last stage."""
        for word, arguments in instructions:
            print(f"== {word} {arguments}", flush=True)
            carry_out = getattr(self, f"_{word.lower()}", None)
            if carry_out is None:
                raise DockerfileError(f"{word}: this script does not know the instruction")
            carry_out(arguments)
        return self.stage

    def _from(self, arguments: str) -> None:
        image, *name = re.fullmatch(r"(\S+)(?: AS (\S+))?", arguments).groups()
        base = self._base(image)
        root = self.folder / f"stage-{len(self.stages)}"
        subprocess.run(["cp", "-a", "--reflink=auto", base, root], check=True)
        self.stage = self.stages[name[0] or str(len(self.stages))] = Stage(root)

    def _base(self, image: str) -> Path:
        """Install Debian with the Python of an image, its headers, and pip where the image has it."""
        match = IMAGE.fullmatch(image)
        if match is None:
            raise DockerfileError(f"an image other than Python's on Debian: {image}")
        base = self.folder / image.replace(":", "-")
        if base.exists():
            return base
        packages = "--include=ca-certificates,python3-dev,python3-venv"
        log = self.folder / "debootstrap.log"
        command = ["debootstrap", "--variant=minbase", packages, match[2], base, MIRROR]
        with log.open("w") as output:
            result = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT)
        for mount in filter(os.path.ismount, (base / "proc", base / "sys")):
            subprocess.run(["umount", mount], check=True)  # where debootstrap broke off
        if result.returncode:
            raise DockerfileError(f"debootstrap: {log.read_text()[-2000:]}")
        for path in filter(os.path.exists, NETWORK):
            shutil.copyfile(path, base / path.lstrip("/"))
        stage = Stage(base)
        check = f"import sys; assert sys.version.startswith('{match[1]}.'), sys.version"
        stage.run(["python3", "-c", check])
        stage.run(["python3", "-m", "venv", "/usr/local"])
        return base

    def _workdir(self, path: str) -> None:
        self.stage.at(path).mkdir(parents=True, exist_ok=True)
        self.stage.folder = os.path.normpath(Path(self.stage.folder, path))

    def _copy(self, arguments: str) -> None:
        *sources, target = arguments.split()
        for source in sources:
            path, to = self.context / source, self.stage.at(target)
            if path.is_dir():
                shutil.copytree(path, to, ignore=IGNORED, dirs_exist_ok=True)
            else:
                shutil.copy(path, to / source if target.endswith("/") else to)

    def _run(self, arguments: str) -> None:
        option, bind = re.fullmatch(r"(?:--mount=(\S+) )?(.*)", arguments).groups()
        if option is None:
            return self.stage.run(["sh", "-c", bind])
        mount = dict(part.split("=") for part in option.split(","))
        if mount.pop("type") != "bind":
            raise DockerfileError(f"a mount of another type: {option}")
        target = self.stage.at(mount["target"])
        shutil.copytree(self.stages[mount["from"]].at(mount["source"]), target)
        self.stage.run(["sh", "-c", bind])
        shutil.rmtree(target)

    def _user(self, name: str) -> None:
        self.stage.user = name

    def _volume(self, path: str) -> None:
        if not self.stage.at(path).is_dir():
            raise DockerfileError(f"there is no folder {path}")

    def _entrypoint(self, words: str) -> None:
        self.stage.entry = json.loads(words)

    def _cmd(self, words: str) -> None:
        self.stage.arguments = json.loads(words)


def try_out(stage: Stage) -> None:
    """Run the image without arguments, and on a recording."""
    stage.run(stage.entry + stage.arguments)
    shutil.copy(SPEECH, stage.at("speech.flac"))
    stage.run([*stage.entry, "enhance", "speech.flac", "-o", "enhanced.wav"])
    if not stage.at("enhanced.wav").is_file():
        raise DockerfileError("no enhanced.wav")


def missing() -> str:
    """Say what a machine lacks, if anything."""
    if os.geteuid() != 0:
        return "only root may use chroot"
    if shutil.which("debootstrap") is None:
        return "debootstrap not found: apt-get install debootstrap"
    return ""


def main() -> int:
    """Give the exit code: 0, 1 if an instruction fails, 2 if the machine lacks something."""
    parser = argparse.ArgumentParser(prog="./scripts/run-dockerfile", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the chroots stay; default: none do")
    options = parser.parse_args()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 2
    start = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            stage = Build(folder).carry_out(read((ROOT / "Dockerfile").read_text("utf-8")))
            try_out(stage)
        except DockerfileError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"The image works. {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
