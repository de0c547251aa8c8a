"""What may stand between a reader and a server: a real nginx as configured, and proxies that spoil streams."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

CONFIGURATION = """
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr notice;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    location {prefix} {{
      proxy_pass http://127.0.0.1:{behind}{onto};
      {settings}
    }}
  }}
}}
"""

UP = "start worker process "
"""What nginx says when it listens."""


class Nginx:
    """An nginx in front of a port on this machine, as an unprivileged process of its own. Made by `nginx`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._start()

    def restart(self) -> None:
        """End it at once, with the connections that it has, and start it again at the same address."""
        self.end()
        self._start()

    def reload(self) -> None:
        """Have it read its configuration again; the connections that it has are left to their end."""
        self._process.send_signal(signal.SIGHUP)
        self._wait_up()

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate()

    def _start(self) -> None:
        command = [str(NGINX), "-p", f"{self._folder}/", "-c", "nginx.conf", "-e", "stderr"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **_unprivileged())
        self._wait_up()

    def _wait_up(self) -> None:
        assert self._process.stderr is not None
        said = ""
        while UP not in said:
            line = self._process.stderr.readline()
            assert line, f"nginx did not start:\n{said}"
            said += line


@contextmanager
def nginx(behind: int, settings: str = "", *, prefix: str = "/", onto: str = "") -> Iterator[Nginx]:
    """An nginx in front of this port, with these settings where it passes requests on, and all others as they come.

    What is below `prefix` is passed on; with `onto`, that takes the prefix's place. Without nginx the test is skipped,
    but in CI it fails.
    """
    if NGINX is None:
        missing = "There is no nginx on the PATH; .ci/packages installs one."
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="nginx-") as made:
        folder = Path(made)
        written = CONFIGURATION.format(port=port, behind=behind, settings=settings, prefix=prefix, onto=onto)
        (folder / "nginx.conf").write_text(written)
        if os.geteuid() == 0:
            os.chown(folder, _nobody().pw_uid, _nobody().pw_gid)
        running = Nginx(folder, port)
        try:
            yield running
        finally:
            running.end()


Answer = Callable[[trio.SocketStream, trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def proxied(behind: int, answer: Answer) -> AsyncIterator[str]:
    """The address of a proxy in front of this port. `answer` carries what the server says, as it likes."""

    async def carry(client: trio.SocketStream) -> None:
        async with client, await trio.open_tcp_stream("127.0.0.1", behind) as server, trio.open_nursery() as nursery:
            nursery.start_soon(_pour, client, server)
            await answer(server, client)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, carry, 0, host="127.0.0.1"))
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


def in_lots(size: int) -> Answer:
    """Pass an answer on in lots of so many bytes, but its head at once, and the rest at its end."""

    async def answer(server: trio.SocketStream, client: trio.SocketStream) -> None:
        held = bytearray()
        async for data in server:
            held += data
            if held.endswith(b"\r\n\r\n") or len(held) >= size:  # a head does, and a last chunk
                await client.send_all(held)
                held.clear()

    return answer


def cut_behind(count: int) -> Answer:
    """Pass on so many bytes, head included, and hang up."""

    async def answer(server: trio.SocketStream, client: trio.SocketStream) -> None:
        left = count
        while left:
            data = await server.receive_some(left)
            await client.send_all(data)
            left -= len(data)

    return answer


async def _pour(one: trio.SocketStream, other: trio.SocketStream) -> None:
    try:
        async for data in one:
            await other.send_all(data)
    except trio.BrokenResourceError:
        pass  # it was left, or the server hung up


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _unprivileged() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {"user": _nobody().pw_uid, "group": _nobody().pw_gid, "extra_groups": []}
