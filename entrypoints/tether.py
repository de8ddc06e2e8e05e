"""Start a program that cannot outlive its parent: `tether.py <parent> <signal> <uid> <gid> program …`.

It runs as a script of its own instead of a `preexec_fn`, which is unsafe in a process with threads, and imports only
what is quick. Linux sends the signal when the parent *thread* ends (prctl(2)): start tethered programs from a thread
that stays.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tethered(
    command: list[str], death: signal.Signals = signal.SIGKILL, user: tuple[int, int] | None = None
) -> list[str]:
    """Write the command line that runs `command` tethered to this process, as (uid, gid) `user` when given."""
    uid, gid = user or (-1, -1)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death)), str(uid), str(gid), *command]


def main(arguments: list[str]) -> None:
    """Drop to the user, tie the knot, and become the program."""
    parent, death, uid, gid = (int(value) for value in arguments[:4])
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of user, which would clear it; and before the look at the parent, which may just have gone.
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        raise SystemExit(0)
    os.execv(arguments[4], arguments[4:])  # noqa: S606 - the program is chosen by this package


if __name__ == "__main__":
    main(sys.argv[1:])
