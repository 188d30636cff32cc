"""A network that can fail: a TCP proxy whose connections are cut, held up, or go silent on both sides.

A silent connection is ended after a while on each side by itself, as kernels end one whose peer acknowledges nothing
(`distributed.comm.timeouts.tcp`); until then both sides take it for alive.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


class _Connection:
    """One connection through the proxy: two streams, and what is done to them."""

    def __init__(self, sides: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self.sides, self.held_until, self.is_silent = sides, 0.0, False

    def abort(self) -> None:
        for side in self.sides:
            side.transport.abort()


class Proxy:
    """Listens on ports of its own, and passes on what arrives, until it is asked to do otherwise.

    Args:
        target: the port on loopback that one of its ports leads to, or None; asked for every connection.
        count: of its ports.

    Attributes:
        ports: that it listens on.
    """

    def __init__(self, target: Callable[[int], int | None], count: int = 1) -> None:
        self._target, self._is_down = target, False
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self.ports = tuple(asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result() for _ in range(count))

    def cut(self, seconds: float) -> None:
        """Reset every connection, and refuse new ones for a while."""

        def down() -> None:
            self._is_down = True
            self._abort()
            self._loop.call_later(seconds, up)

        def up() -> None:
            self._is_down = False

        self._loop.call_soon_threadsafe(down)

    def delay(self, seconds: float) -> None:
        """Hold up for so long what is sent on the connections that there are."""

        def hold(connection: _Connection) -> None:
            connection.held_until = self._loop.time() + seconds

        self._loop.call_soon_threadsafe(self._each, hold)

    def half_open(self, one_side_s: float, other_side_s: float) -> None:
        """Swallow what is sent on the connections that there are; each side notices by itself, after so long."""

        def silence(connection: _Connection) -> None:
            connection.is_silent = True
            for side, seconds in zip(connection.sides, (one_side_s, other_side_s), strict=True):
                self._loop.call_later(seconds, side.transport.abort)

        self._loop.call_soon_threadsafe(self._each, silence)

    def close(self) -> None:
        """End everything."""
        self._loop.call_soon_threadsafe(self._abort)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def _abort(self) -> None:
        self._each(_Connection.abort)

    def _each(self, act: Callable[[_Connection], None]) -> None:
        for connection in [*self._connections]:
            act(connection)

    async def _listen(self) -> int:
        listening = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(listening.sockets[0].getsockname()[1])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target = self._target(writer.get_extra_info("sockname")[1])
            if self._is_down or target is None:
                raise ConnectionRefusedError
            onward, back = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection((writer, back))
        self._connections.add(connection)
        try:
            await asyncio.gather(self._pump(reader, back, connection), self._pump(onward, writer, connection))
        finally:
            self._connections.discard(connection)
            connection.abort()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, connection: _Connection) -> None:
        try:
            while content := await source.read(1 << 16):
                while (left := connection.held_until - self._loop.time()) > 0:
                    await asyncio.sleep(left)
                if not connection.is_silent:
                    target.write(content)
                    await target.drain()
        except OSError:
            pass
        if not connection.is_silent:
            # whoever is at the other end learns that this one has ended
            target.transport.abort()
