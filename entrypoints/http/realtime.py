"""The socket `/api/v1/realtime`: a token first, then channels by name (`docs/channels.md`)."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec
import redis
import structlog
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

from adapters.persistence.identity import Admissions
from adapters.realtime.presence import Presence
from adapters.realtime.rings import Ring, Rings
from application.platform.channels import PRESENCE, Channel, Channels
from application.platform.event_stream import EventFeed
from application.platform.happened import shown_to
from domain.kernel import Refusal
from entrypoints.http.auth import Caller, Doorkeeper
from entrypoints.http.errors import AWAY, Refused, problem_of
from entrypoints.http.event_stream import HEARTBEAT_SECONDS, UNREAD_SECONDS, OpenStreams, Stay
from entrypoints.http.limits import RateLimiter

PATH = "/api/v1/realtime"
FIRST_SECONDS = 10.0
"""How long a socket may stand open without a token."""
LONGEST = 8_192
MOST_CHANNELS = 50
MOST_COMMANDS = 120
"""How many commands one socket may send in a minute."""
PEOPLE_SECONDS = 5.0
# Codes of our own (RFC 6455, 7.4.2) after those of HTTP.
_UNAUTHORIZED, _SLOW, _TOO_MANY, _BAD = 4401, 4408, 4429, 4400
_GOING_AWAY, _TOO_BIG, _TRY_LATER = 1001, 1009, 1013
log = structlog.get_logger()


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Be what a client says: `authenticate` with a token, `subscribe` and `unsubscribe` with a channel, `ping`."""

    type: str
    token: str | None = None
    channel: str | None = None


_COMMANDS = msgspec.json.Decoder(Command)


class _Closed(Exception):
    """Say that the socket is to end, by which code and with which word."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@websocket(PATH, name="realtime")
async def realtime(socket: WebSocket[Any, Any, Any]) -> None:
    """Let somebody listen for as long as they may."""
    house = socket.app.state.container
    doorkeeper: Doorkeeper = await house.get(Doorkeeper)
    origin = socket.headers.get("origin")
    if origin is not None and not doorkeeper.knows_origin(origin):
        await socket.close(_UNAUTHORIZED, "origin")
        return
    await socket.accept()
    streams: OpenStreams = await house.get(OpenStreams)
    try:
        with streams.arriving(doorkeeper.address(socket)):
            caller, token = await _admitted(socket, doorkeeper, house)
        admissions = await house.get(Admissions)

        async def still_admitted() -> bool:
            try:
                return (await doorkeeper.bearer(socket, token, admissions)).actor == caller.actor
            except Refused:
                return False

        give_back = streams.take(caller)
        try:
            listening = Listening(
                socket,
                caller,
                Channels(caller.actor, await house.get(EventFeed)),
                await house.get(Presence),
                Stay(None, still_admitted),
            )
            await listening.run(await house.get(Rings), streams)
        finally:
            give_back()
    except _Closed as closed:
        await _close(socket, closed.code, closed.reason)
    except Refused as refused:
        code = {"UNAUTHORIZED": _UNAUTHORIZED, "RATE_LIMITED": _TOO_MANY}.get(refused.problem.code, _TRY_LATER)
        await _close(socket, code, refused.problem.code.lower())
    except AWAY as error:
        log.warning("socket ended", error=type(error).__name__)
        await _close(socket, _TRY_LATER, "unavailable")
    except WebSocketDisconnect:
        return


async def _admitted(socket: WebSocket[Any, Any, Any], doorkeeper: Doorkeeper, house: Any) -> tuple[Caller, str]:
    """Take the token of the first message, never of the address, which proxies write down."""
    try:
        async with asyncio.timeout(FIRST_SECONDS):
            command = read(await socket.receive_text())
    except TimeoutError:
        raise _Closed(_UNAUTHORIZED, "no token in time") from None
    if command.type != "authenticate" or not command.token:
        raise _Closed(_UNAUTHORIZED, "a token comes first")
    limiter: RateLimiter = await house.get(RateLimiter)
    try:
        caller = await doorkeeper.bearer(socket, command.token, await house.get(Admissions))
    except Refused:
        await limiter.admit("anonymous", doorkeeper.address(socket))
        raise
    await limiter.admit("api", caller.signature)
    await socket.send_text(msgspec.json.encode({"type": "authenticated"}).decode())
    return caller, command.token


def read(said: str) -> Command:
    """Read what a client says, or end the socket."""
    if len(said) > LONGEST:
        raise _Closed(_TOO_BIG, "too long")
    try:
        return _COMMANDS.decode(said)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise _Closed(_BAD, "not a command") from None


def _over(why: str) -> _Closed:
    return _Closed(_UNAUTHORIZED if why == "access_changed" else _TRY_LATER, why)


async def _close(socket: WebSocket[Any, Any, Any], code: int, reason: str) -> None:
    with contextlib.suppress(Exception):  # whoever is gone already needs no word
        async with asyncio.timeout(1):
            await socket.close(code, reason)


@dataclass
class Listening:
    """Be one caller's socket: what they listen to, and from which position on it is new to them."""

    socket: WebSocket[Any, Any, Any]
    caller: Caller
    channels: Channels
    presence: Presence
    stay: Stay
    open: dict[str, Channel] = field(default_factory=dict)
    people: list[str] | None = None
    is_over: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    _commands: list[float] = field(default_factory=list)
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, rings: Rings, streams: OpenStreams) -> None:
        """Obey and tell at once, until either ends."""
        async with rings.follow(self.caller.actor.organization_id) as ring:
            telling = asyncio.create_task(self._tell(ring))
            obeying = asyncio.create_task(self._obey())
            attending = asyncio.create_task(self._attend())
            try:
                with streams.writing(telling):
                    await asyncio.wait({telling, obeying}, return_when=asyncio.FIRST_COMPLETED)
                    if telling.cancelled():
                        raise _Closed(_GOING_AWAY, "shutting_down")
                    for done in (obeying, telling):
                        if done.done():
                            done.result()
            finally:
                self.is_over = True
                self.asked.set()
                for task in (telling, obeying, attending):
                    task.cancel()
                await asyncio.gather(telling, obeying, attending, return_exceptions=True)
                await self._leave()

    async def _obey(self) -> None:
        while True:
            command = read(await self.socket.receive_text())
            now = time.monotonic()
            self._commands = [at for at in self._commands if at > now - 60] + [now]
            if len(self._commands) > MOST_COMMANDS:
                raise _Closed(_TOO_MANY, "too many commands")
            match command.type:
                case "ping":
                    await self._say({"type": "pong"})
                case "subscribe":
                    await self._subscribe(command.channel or "")
                case "unsubscribe":
                    self.open.pop(command.channel or "", None)
                    await self._say({"type": "unsubscribed", "channel": command.channel})
                case _:
                    raise _Closed(_BAD, "not a command")

    async def _subscribe(self, name: str) -> None:
        try:
            if len(self.open) >= MOST_CHANNELS and name not in self.open:
                raise Refused("RATE_LIMITED", f"A socket listens to {MOST_CHANNELS} channels at most.")
            channel = await self.channels.find(name)
        except (Refusal, Refused) as refusal:
            problem = problem_of(refusal)
            said = {"code": problem.code, "message": problem.message}
            await self._say({"type": "error", "channel": name, "error": said})
            return
        if channel.name == PRESENCE:
            self.people = None
        self.open[name] = channel
        await self._say({"type": "subscribed", "channel": name})
        self.asked.set()

    async def _tell(self, ring: Ring) -> NoReturn:
        """Tell what happens; ends with the caller's right to hear it."""
        position = ring.read_upto
        beat = 0.0
        while (why := await self.stay.over()) is None:
            now = time.monotonic()
            page = await ring.after(position)
            for event in page.events:
                for channel in list(self.open.values()):
                    if event.shown.type in channel.types:
                        data = shown_to(self.caller.actor, event, channel.dataset_id)
                        if data is not None:
                            if (why := await self.stay.over()) is not None:
                                raise _over(why)
                            head = {"type": "event", "channel": channel.name, "event": event.name}
                            await self._say({**head, "position": event.position, "data": msgspec.Raw(data)})
            if now >= beat:
                beat = now + HEARTBEAT_SECONDS
                await self._say({"type": "heartbeat", "position": page.upto})
            elif page.upto == position:  # and nothing was awaited since it was looked
                await ring.moved(min(beat, self.stay.asks_again) - now)
            position = page.upto
        raise _over(why)

    async def _attend(self) -> None:
        """Say that the caller is there, and tell them who else is, apart from what happens: it is Redis's to answer.

        A client of Redis may swallow that it is cancelled, so that the end is looked for as well.
        """
        while not self.is_over:
            await self._mark()
            await self._tell_people()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PEOPLE_SECONDS):
                    await self.asked.wait()
                    self.asked.clear()

    async def _mark(self) -> None:
        if self.caller.actor.user_id is not None:
            await self._ask_redis(self.presence.here(self.caller.actor.organization_id, self.caller.actor.person()))

    async def _leave(self) -> None:
        if self.caller.actor.user_id is not None:
            await self._ask_redis(self.presence.gone(self.caller.actor.organization_id, self.caller.actor.person()))

    async def _tell_people(self) -> None:
        if PRESENCE not in self.open:
            return
        people = await self._ask_redis(self.presence.people(self.caller.actor.organization_id))
        if people is not None and people != self.people:
            self.people = people
            await self._say({"type": "presence", "channel": PRESENCE, "user_ids": people})

    async def _ask_redis(self, asking: Awaitable[Any]) -> Any:
        """Ask who is there; without Redis nobody can tell, and the rest goes on."""
        with contextlib.suppress(redis.RedisError, OSError):
            return await asking
        return None

    async def _say(self, said: dict[str, Any]) -> None:
        """Send one message, or end with who takes none for too long: there is no queue for them."""
        text = msgspec.json.encode(said).decode()
        try:
            async with self._sending, asyncio.timeout(UNREAD_SECONDS):
                await self.socket.send_text(text)
        except TimeoutError:
            raise _Closed(_SLOW, "too slow") from None
