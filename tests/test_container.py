"""The Dockerfile and the compose file say what is there and what runs: checked without Docker, by running the same commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adjudge.server.run import listen
from tests.source import ROOT

LINES = re.sub(r"\s*\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()


def instructions(name: str) -> list[str]:
    """What stands behind an instruction, continued lines put together."""
    return [line.strip().removeprefix(name).strip() for line in LINES if line.strip().startswith(f"{name} ")]


def listed(name: str) -> list[str]:
    """The exec form of an instruction, which needs no shell in the image."""
    found: list[str] = json.loads(instructions(name)[-1])
    return found


def compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return found


def free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    sent = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")]
    copied = [shlex.split(text)[:-1] for text in instructions("COPY") if not text.startswith("--from")]
    for source in (word for words in copied for word in words):
        assert (ROOT / source).exists(), source
        assert source in sent, f"{source} is left out by .dockerignore"


def test_extras_are_the_packages_own() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (wanted,) = [text.partition("=")[2] for text in instructions("ARG") if text.startswith("EXTRAS")]
    assert set(wanted.split(",")) <= set(extras)


def test_nobody_is_root_and_the_image_says_how_it_ends() -> None:
    assert instructions("USER") == ["10001"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    service = compose()["services"]["adjudge"]
    assert service["cap_drop"] == ["ALL"]
    assert int(service["stop_grace_period"].removesuffix("s")) > 60, "longer than the longest request"


def test_its_port_is_one() -> None:
    entry = listed("ENTRYPOINT")
    port = entry[entry.index("--port") + 1]
    assert instructions("EXPOSE") == [port]
    assert f":{port}/ready" in listed("HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD")[-1]
    assert compose()["services"]["adjudge"]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.slow
def test_the_same_command_serves_is_healthy_and_stops(tmp_path: Path) -> None:
    """As in the container: no home that can be written to, keys from a file, the health check's own words."""
    port, keys = free_port(), tmp_path / "keys.txt"
    keys.write_text("secret\n", encoding="utf-8")
    command = [*listed("ENTRYPOINT"), *compose()["services"]["adjudge"]["command"]]
    command = [sys.executable, "-m", *command]
    command[command.index("--port") + 1], command[command.index("--host") + 1] = str(port), "127.0.0.1"
    command[command.index("--api-key-file") + 1] = str(keys)
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONUNBUFFERED": "1"}
    check = [sys.executable, *listed("HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD")[1:]]
    check[-1] = check[-1].replace(":8000", f":{port}")
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 120
            while (healthy := subprocess.run(check, capture_output=True, check=False).returncode) != 0 and time.monotonic() < deadline:
                assert process.poll() is None
                time.sleep(0.2)
            assert healthy == 0
            process.send_signal(signal.Signals[instructions("STOPSIGNAL")[0]])
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert subprocess.run(check, capture_output=True, check=False).returncode != 0, "and then it is not healthy"
