"""A temporary copy of the project with its own emulator and state, used by the commands that a user types."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from digits.datasets import Dataset, load
from digits.training.model import fit, write
from tools import working_copy

ROOT = working_copy.ROOT
_NO_CHANGE = ("same", "refresh")


def require_end(family: Sequence[psutil.Process], seconds: float = 30) -> None:
    """Wait until processes whose owner was killed have ended by themselves; kill and name those that do not."""
    deadline, left = time.monotonic() + seconds, list(family)
    while left and time.monotonic() < deadline:
        left = [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
        time.sleep(0.1)
    for each in left:
        each.kill()
    assert not left


@dataclass
class Project:
    """The copy, the environment of its shell, and the files that were changed."""

    directory: Path
    environment: dict[str, str]
    originals: dict[Path, bytes] = field(default_factory=dict)
    touched: bool = False  # whether anything was deployed after the committed files

    @classmethod
    def copy(cls, directory: Path) -> "Project":
        """Copy what git would commit, with the model that `make model` trains and the .venv shared."""
        environment = working_copy.make(directory) | {
            "PULUMI_BACKEND_URL": f"file://{directory / '.state'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_DEBUG_COMMANDS": "true",  # --event-log
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        return cls(directory, environment)

    # --- the shell

    def run(
        self, *command: str, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder; a failure shows all that it printed."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            env={**self.environment, **(variables or {})},
            text=True,
            capture_output=True,
            timeout=240,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def python(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of the project's own command lines."""
        return self.run(sys.executable, *arguments, check=check)

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the CLI."""
        self.touched |= arguments[0] in ("up", "refresh", "destroy")
        return self.run("pulumi", *arguments, "--non-interactive", "--color=never", check=check)

    # --- emulator

    def start_emulator(self, port: str = "0") -> None:
        """Start it, by default on free ports, and set the shell's environment for it."""
        self.python("-m", "emulator", "start", "--port", port)
        printed = self.run("bash", "-c", f"eval \"$('{sys.executable}' -m emulator env)\" && env -0").stdout
        self.environment = dict(pair.split("=", 1) for pair in printed.split("\0") if "=" in pair)

    def close(self) -> None:
        """Stop the emulator."""
        self.python("-m", "emulator", "stop", check=False)

    # --- the engine

    def up(self, *options: str, check: bool = True) -> "Deployment":
        """Deploy, and read from the engine's events what was done to each resource."""
        log = self.directory / ".events"
        log.unlink(missing_ok=True)
        done = self.pulumi("up", "--yes", "--skip-preview", f"--event-log={log}", *options, check=check)
        operations = {}
        for line in log.read_text().splitlines():
            metadata = (json.loads(line).get("resOutputsEvent") or {}).get("metadata")
            if metadata and metadata["op"] not in _NO_CHANGE:
                operations[_name(metadata["urn"])] = metadata["op"]
        return Deployment(done.returncode, done.stdout + done.stderr, _without_stack(operations))

    def deploy_committed(self) -> None:
        """Deploy the committed files, unless they are what was deployed last."""
        self.restore()
        if self.touched:
            self.up()
        self.touched = False

    def preview(self, *options: str) -> dict[str, str]:
        """Return what would be done to each resource that would change, by name."""
        steps = json.loads(self.pulumi("preview", "--json", *options).stdout)["steps"]
        return _without_stack({_name(step["urn"]): step["op"] for step in steps if step["op"] not in _NO_CHANGE})

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secrets readable."""
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", "--show-secrets").stdout)
        return outputs

    def state(self) -> str:
        """Return the state as it is on the disk."""
        return (self.directory / ".state/.pulumi/stacks/digits/dev.json").read_text()

    def resources(self) -> list[str]:
        """Return the names of the resources in the state."""
        exported = json.loads(self.pulumi("stack", "export").stdout)["deployment"]
        return [_name(resource["urn"]) for resource in exported.get("resources", [])]

    def interrupt(self, *arguments: str, after: str) -> str:
        """Kill the CLI once it has printed `after`, and see all that it started end; return what it printed."""
        process = subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.directory,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        printed = ""
        with process, process.stdout:
            for line in process.stdout:
                printed += line
                if after in line:
                    family = psutil.Process(process.pid).children(recursive=True)
                    process.kill()
                    require_end(family)
                    break
            process.stdout.read()
        return printed

    # --- files and configuration

    def write(self, name: str, content: str | bytes) -> None:
        """Change a file until `restore` is called."""
        path = self.directory / name
        self.originals.setdefault(path, path.read_bytes())
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, name: str) -> str:
        """Return a file's text."""
        return (self.directory / name).read_text()

    def configure(self, **values: object) -> None:
        """Set configuration of the dev stack."""
        name = "Pulumi.dev.yaml"
        settings = yaml.safe_load(self.read(name))
        settings["config"] |= {f"digits:{key}": value for key, value in values.items()}
        self.write(name, yaml.safe_dump(settings))

    def restore(self) -> None:
        """Restore every changed file."""
        for path, content in self.originals.items():
            path.write_bytes(content)
        self.originals.clear()


@dataclass(frozen=True)
class Deployment:
    """How an `up` ended, what it printed, and what it did to which resource."""

    status: int
    printed: str
    operations: Mapping[str, str]


def train_another_model(directory: Path) -> None:
    """Write another model than `make model` trains, with its evidence."""
    data, part = load("digits", "train"), slice(600)
    images, labels = data.images[part], data.labels[part]
    train = Dataset("digits", images, labels, hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())
    write(fit(train), train, load("digits", "test"), directory)


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def _without_stack(operations: dict[str, str]) -> dict[str, str]:
    return {name: operation for name, operation in operations.items() if not name.startswith(("digits-", "default"))}
