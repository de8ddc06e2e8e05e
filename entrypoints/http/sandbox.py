"""Routes of the sandbox's levers; they exist in sandbox mode only."""

from application.platform.sandbox import (
    ClockView,
    FaultsView,
    MoveClock,
    Sandbox,
    SandboxInbound,
    SandboxInboundView,
    SandboxMailView,
    SandboxPage,
    SandboxTextsView,
    SetFault,
    SettledView,
)
from entrypoints.http.operation import operation


@operation("GET", "/sandbox/texts", "listSandboxTexts", "List what the sandbox's text provider accepted", limits=())
async def list_texts(sandbox: Sandbox, narrowed: SandboxPage) -> SandboxTextsView:
    """Of your organisation, newest first, in business time."""
    return await sandbox.texts(narrowed)


@operation("GET", "/sandbox/mail", "listSandboxMail", "List what the sandbox's mail provider accepted", limits=())
async def list_mail(sandbox: Sandbox, narrowed: SandboxPage) -> SandboxMailView:
    """Of your organisation, newest first, in business time; the links of invitations stand in the bodies."""
    return await sandbox.mails(narrowed)


@operation(
    "POST", "/sandbox/texts/inbound", "sandboxInbound", "Let somebody text you", limits=(), keyed=False, status=202
)
async def inbound(sandbox: Sandbox, body: SandboxInbound) -> SandboxInboundView:
    """Comes back through the signed webhook."""
    return await sandbox.inbound(body)


@operation("GET", "/sandbox/clock", "showSandboxClock", "Tell business time", limits=())
async def show_clock(sandbox: Sandbox) -> ClockView:
    """And when the next thing is due."""
    return await sandbox.show_clock()


@operation(
    "POST", "/sandbox/clock", "moveSandboxClock", "Move business time forward", limits=(), keyed=False, status=200
)
async def move_clock(sandbox: Sandbox, body: MoveClock) -> ClockView:
    """For the whole installation; waits until no hand-over is under way."""
    return await sandbox.move_clock(body)


@operation("POST", "/sandbox/faults", "setSandboxFault", "Let the provider fail", limits=(), keyed=False, status=200)
async def set_fault(sandbox: Sandbox, body: SetFault) -> FaultsView:
    """For the next calls, or with a probability."""
    return await sandbox.fault(body)


@operation("DELETE", "/sandbox/faults", "clearSandboxFaults", "Let the provider work well again", limits=(), status=200)
async def clear_faults(sandbox: Sandbox) -> FaultsView:
    """All of them end."""
    return await sandbox.clear_faults()


@operation(
    "POST",
    "/sandbox/settle",
    "settleSandbox",
    "Wait until nothing is under way",
    limits=(),
    keyed=False,
    status=200,
    seconds=25,
)
async def settle(sandbox: Sandbox) -> SettledView:
    """Answers within 20 seconds; call again until settled."""
    return await sandbox.settle()


ROUTES = (list_texts, list_mail, inbound, show_clock, move_clock, set_fault, clear_faults, settle)
