"""`adjudge serve` as a process of its own: what it prints, what signals do, how it ends."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from adjudge.cli.serve import app
from tests.server.serving import PATIENCE_S, until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")

COMMAND = [sys.executable, "-W", "error", "-m", "adjudge", "serve", "--port", "0"]
BODY = {"query": "red apples", "documents": ["red apples", "bread"]}


class Served:
    """A running `adjudge serve`."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "NO_COLOR": "1", **environment},
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.first = "" if "--quiet" in arguments else self.process.stdout.readline()
        found = re.search(r"http://\S+:\d+", self.first)
        self.url = "" if found is None else found[0].rstrip(",")
        self.log: list[str] = []
        self._reading = threading.Thread(target=lambda stream=self.process.stderr: self.log.extend(stream), daemon=True)
        self._reading.start()

    def get(self, path: str, **options: Any) -> httpx.Response:
        """One request."""
        return httpx.get(self.url + path, verify=False, timeout=PATIENCE_S, **options)

    def ready(self) -> Served:
        """Wait until its models are warm."""
        until(lambda: self.get("/ready").status_code == 200)
        return self

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        return code

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


Begin = Callable[..., Served]


@pytest.fixture
def begin(quick_folder: Path) -> Iterator[Begin]:
    """Start one on the quick model: begin("--keep", "3")."""
    with ExitStack() as running:
        yield lambda *arguments, model=("--model", f"quick={quick_folder}", "--backend", "fake"), **environment: running.enter_context(
            Served(*model, *arguments, **environment)
        )


def test_what_it_says_and_how_it_ends(begin: Begin, tmp_path: Path) -> None:
    """One server for everything that does not need its own: lines, keys, log, and Ctrl-C."""
    keys = tmp_path / "keys"
    keys.write_text("one\n", encoding="utf-8")
    served = begin("--api-key-file", str(keys), "--access-log", ADJUDGE_API_KEYS="two").ready()
    assert re.fullmatch(r"adjudge serves quick \(\S+\) at http://127\.0\.0\.1:\d+, 2 API keys\n", served.first)
    assert served.process.stdout is not None
    assert f"{served.url}/ready" in served.process.stdout.readline()
    assert httpx.post(served.url + "/rerank", json=BODY, verify=False, timeout=PATIENCE_S).status_code == 401
    for key in ("one", "two"):
        answer = httpx.post(served.url + "/rerank", json=BODY, headers={"Authorization": f"Bearer {key}"}, verify=False, timeout=PATIENCE_S)
        assert answer.json()["ranked_results"][0]["index"] == 0
    served.process.send_signal(signal.SIGINT)
    assert served.ended() == 0
    log = "".join(served.log)
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO +quick is ready: fake, cpu, f32, loaded in \d+ ms", log, re.MULTILINE)
    assert len(re.findall(r"POST /rerank 200 ", log)) == 2
    assert "red apples" not in log
    assert "one" not in re.sub(r"\S+ INFO .*", "", log)
    assert "Traceback" not in log


def test_sigterm_under_load_loses_nothing_that_was_accepted(begin: Begin) -> None:
    """Clients ask without a pause, on kept and on new connections. Whoever has begun to get an answer, or had sent a request that the
    server has read, gets the whole of it; the server's own count of answers is the clients' count."""
    served = begin("--access-log").ready()
    answered: list[int] = []
    broken: list[str] = []
    stop = threading.Event()

    def ask(kept: bool) -> None:
        while not stop.is_set():
            with httpx.Client(base_url=served.url, verify=False, timeout=PATIENCE_S) as client:
                try:
                    for _ in range(20 if kept else 1):
                        answered.append(_answer_of(client.post("/rerank", json=BODY)))
                except (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as exc:
                    if stop.is_set() or isinstance(exc, httpx.ConnectError):
                        return
                    broken.append(type(exc).__name__)  # counted against the server's own log below

    clients = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(6)]
    for client in clients:
        client.start()
    until(lambda: len(answered) >= 60)
    served.process.send_signal(signal.SIGTERM)
    code = served.ended()
    stop.set()
    for client in clients:
        client.join(PATIENCE_S)
    log = "".join(served.log)
    assert code == 0, log
    assert set(answered) == {200}
    assert len(re.findall(r"POST /rerank 200 ", log)) == len(answered), f"an answer was lost on its way; broken: {broken}"
    assert len(re.findall(r"POST /rerank ", log)) == len(answered), "a request was accepted and not answered well"


def _answer_of(response: httpx.Response) -> int:
    assert len(response.json()["ranked_results"]) == 2
    return response.status_code


def test_a_second_ctrl_c_waits_for_nobody(begin: Begin) -> None:
    served = begin().ready()
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as half:
        half.sendall(b"POST /rerank HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert served.get("/health").status_code == 200  # which came behind it, so that one has been read
        served.process.send_signal(signal.SIGINT)
        until(lambda: not _alive(served))
        assert served.process.poll() is None, "the first one waits for what has begun"
        served.process.send_signal(signal.SIGINT)
        assert served.ended() == 0
    assert "Traceback" not in "".join(served.log)


def test_headers_without_end_are_refused(begin: Begin) -> None:
    """They would have to be kept in memory until they end."""
    served = begin().ready()
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as endless:
        endless.sendall(b"POST /rerank HTTP/1.1\r\nHost: x\r\nX-Endless: ")
        sent, said = 0, b""
        with suppress(ConnectionError):
            while sent < 8 * 2**20 and not select.select([endless], [], [], 0)[0]:
                sent += endless.send(b"a" * 2**14)
            said = endless.recv(100)
    assert sent < 8 * 2**20
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")
    assert served.get("/health").status_code == 200


def test_sigterm_while_a_model_loads(begin: Begin, quick_folder: Path, tmp_path: Path) -> None:
    """A model that never comes (here: a pipe that nobody writes to) holds up neither the others, nor the end."""
    stuck = tmp_path / "stuck"
    stuck.mkdir()
    os.mkfifo(stuck / "config.json")
    served = begin("--model", f"stuck={stuck}")
    until(lambda: served.get("/ready").json()["models"][1]["state"] == "loading")
    assert served.get("/health").status_code == 200
    assert httpx.post(served.url + "/rerank", json=BODY, verify=False, timeout=PATIENCE_S).status_code == 200
    waiting = httpx.post(served.url + "/rerank", json={**BODY, "model": "stuck"}, verify=False, timeout=PATIENCE_S)
    assert waiting.status_code == 503
    served.process.send_signal(signal.SIGTERM)
    assert served.ended() == 0


def test_when_no_model_can_be_loaded_it_ends_and_says_why(begin: Begin, tmp_path: Path) -> None:
    served = begin(model=("--model", str(tmp_path / "nowhere")))
    assert served.ended() == 6
    log = "".join(served.log)
    assert "nowhere" in log
    assert "Traceback" not in log


def test_a_port_that_is_taken(quick_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _run("--port", str(taken.getsockname()[1]), "--backend", "fake")
    assert (done.returncode, done.stdout) == (4, "")
    assert "cannot listen on 127.0.0.1" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--model", "=x"), 4, "name"),
        (("--model", "a=x", "--model", "a=y"), 4, "'a'"),
        (("--max-documents", "0"), 4, "documents"),
        (("--timeout", "0"), 4, "--timeout"),
        (("--keep", "5"), 4, "--keep 5 needs a first judge"),
        (("--cors-origin", "example.com"), 4, "origin"),
        (("--api-key-file", "/no/such/file"), 4, "cannot be read"),
        (("--baseline", "nobody=x"), 4, "nobody"),
        (("--baseline", "x", "--baseline", "y"), 4, "two baselines"),
        (("--workers", "2"), 2, "--workers"),
    ],
)
def test_mistakes_are_told_before_anything_is_loaded(arguments: tuple[str, ...], code: int, said: str) -> None:
    from adjudge.cli.main import main

    done = _run_inside(main, arguments)
    assert done[0] == code
    assert said in done[1]


def test_an_address_that_others_can_reach_needs_keys_or_a_warning(begin: Begin) -> None:
    served = begin("--host", "0.0.0.0").ready()
    assert served.url.startswith("http://localhost:")
    served.process.send_signal(signal.SIGTERM)
    assert served.ended() == 0
    assert "no API keys" in "".join(served.log)


def test_help_says_why_there_are_no_workers() -> None:
    import typer

    command = typer.main.get_command(app)
    assert "no --workers" in (command.help or "")
    assert not [p for p in command.params if "--workers" in p.opts]


def test_quiet_is_quiet(begin: Begin) -> None:
    """No line but errors; the port must be known beforehand then."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    served = begin("--quiet", "--port", str(port))
    served.url = f"http://127.0.0.1:{port}"
    until(lambda: _alive(served))
    served.process.send_signal(signal.SIGTERM)
    assert served.ended() == 0
    assert served.log == []


def _alive(served: Served) -> bool:
    try:
        return served.get("/health").status_code == 200
    except httpx.TransportError:  # refused, or closed before it was read: the end has begun
        return False


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, encoding="utf-8", timeout=PATIENCE_S, check=False)


def _run_inside(main: Callable[[list[str]], int], arguments: tuple[str, ...]) -> tuple[int, str]:
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = main(["serve", "--port", "0", *arguments])
    return code, said.getvalue()


def test_the_openapi_page_of_a_real_process(begin: Begin) -> None:
    served = begin().ready()
    described = json.loads(served.get("/openapi.json").content)
    assert described["info"]["title"] == "adjudge"
