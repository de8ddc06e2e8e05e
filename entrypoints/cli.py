"""The command line `rapport`: it reads the arguments, and becomes the program that does the work."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from entrypoints.config import Config

app = typer.Typer(
    name="rapport",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="One CRM back end: lead reactivation by text, sales, reception, hospitality and real estate.",
    epilog="Start here: `rapport demo` shows the whole job with nothing configured; "
    "`rapport up` serves on http://127.0.0.1:8000; `rapport config` tells what is set.",
)
dead_letters = typer.Typer(
    no_args_is_help=True,
    help="Work that failed for good and waits for a person.",
    epilog="Look first: `rapport dead-letters list`, then `rapport dead-letters replay ID`.",
)
app.add_typer(dead_letters, name="dead-letters")

_Workers = Annotated[int, typer.Option("--workers", "-w", min=1, max=64, help="How many worker processes.")]
_Port = Annotated[int | None, typer.Option("--port", "-p", min=1, max=65535, help="Instead of RAPPORT_PORT.")]
_Identifier = Annotated[str, typer.Argument(metavar="ID", help="As `dead-letters list` shows it.")]


def _become(module: str, *arguments: str) -> NoReturn:
    """Give this process to another module, so that signals and the exit status are its own."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - our own interpreter


@app.command(epilog="Example: `rapport up --workers 2 --port 8080`. Ctrl-C stops everything cleanly.")
def up(
    workers: _Workers = 1,
    port: _Port = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Logs go to files in the data folder.")] = False,
) -> None:
    """Run everything: database, queue, migrations, API, workers, relay, scheduler, and the sandbox provider."""
    if port is not None:
        os.environ["RAPPORT_PORT"] = str(port)
    _become("entrypoints.supervisor", "--workers", str(workers), *(["--quiet"] if quiet else []))


@app.command(epilog="Example: `RAPPORT_DATABASE_URL=… RAPPORT_REDIS_URL=… rapport api --port 8080`")
def api(port: _Port = None) -> None:
    """Run the HTTP API alone, for an installation of several machines."""
    if port is not None:
        os.environ["RAPPORT_PORT"] = str(port)
    _become("entrypoints.http.app")


@app.command(epilog="Example: `rapport worker --number 3`; the number sets its metrics port apart.")
def worker(
    number: Annotated[int | None, typer.Option("--number", "-n", min=1, max=999, help="Its number, from 1.")] = None,
) -> None:
    """Run one worker alone: it does what events ask for."""
    if number is not None:
        os.environ["RAPPORT_WORKER_NUMBER"] = str(number)
    _become("entrypoints.worker")


@app.command()
def relay() -> None:
    """Run the relay alone: it hands committed events to the queue."""
    _become("entrypoints.relay")


@app.command()
def scheduler() -> None:
    """Run the scheduler alone: it finds what is due; any number may run."""
    _become("entrypoints.scheduler")


@app.command(epilog="Example: `rapport migrate` for the newest; `rapport migrate -- -1` to go back.")
def migrate(revision: Annotated[str | None, typer.Argument(help="A revision, or -1 for one back.")] = None) -> None:
    """Bring the database's tables to the code's revision, as RAPPORT_OWNER_DATABASE_URL."""
    if not _config().owner_database_url:
        _fail("RAPPORT_OWNER_DATABASE_URL must be set to migrate.")
    _become("entrypoints.migrate", *([revision] if revision else []))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Example: `rapport demo --seed 7 --keep`",
)
def demo(context: typer.Context) -> None:
    """Show the main job: import a CSV of old enquiries, run a three-week campaign, honour every STOP, prove it."""
    _become("entrypoints.demo", *context.args)


@app.command()
def config() -> None:
    """Print every setting, its value and where it comes from; secrets stay hidden."""
    from rich.console import Console
    from rich.table import Table

    rows = _config().settings_table()
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    table = Table("setting", "value", "from", title="Rapport's settings")
    for name, value, source in rows:
        table.add_row(name, value, source, style=None if source == "default" else "bold")
    Console().print(table)


@app.command(epilog="Example: `rapport doctor || page-somebody`. docs/doctor.md explains each finding.")
def doctor() -> None:
    """Look at everything this installation stands on and say what is wrong; exit status 1 when something is."""
    _become("entrypoints.doctor")


@app.command(
    "create-owner",
    epilog="Example: `rapport create-owner ann@example.com --name 'Ann Archer' --organization 'Acme'`. "
    "The password is asked for, or taken from RAPPORT_OWNER_PASSWORD.",
)
def create_owner(
    email: Annotated[str, typer.Argument(help="What the owner signs in with.")],
    name: Annotated[str, typer.Option("--name", help="First and last name.")],
    organization: Annotated[str, typer.Option("--organization", help="The organisation's name.")],
    password: Annotated[
        str, typer.Option(envvar="RAPPORT_OWNER_PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True)
    ],
) -> None:
    """Make an organisation and its owner without the web, for the first sign-in."""
    # By the environment: a command line is there for every user of the machine to read.
    os.environ["RAPPORT_OWNER_PASSWORD"] = password
    _become("entrypoints.operations", "create-owner", email, "--name", name, "--organization", organization)


@app.command(
    "create-platform-admin",
    epilog="Example: `rapport create-platform-admin --email ann@example.com`. A new account's password is "
    "asked for, or read from standard input.",
)
def create_platform_admin(
    email: Annotated[str, typer.Option("--email", help="What the administrator signs in with.")],
    name: Annotated[str | None, typer.Option("--name", help="First and last name, for a new account.")] = None,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Take it away instead.")] = False,
) -> None:
    """Make somebody an administrator of the platform, who may enter every organisation."""
    named = ["--name", name] if name else []
    _become("entrypoints.platform_admin", "--email", email, *named, *(["--dismiss"] if dismiss else []))


@app.command(
    "erase-organization",
    epilog="Example: `rapport erase-organization 01890a5d-ac96-774b-bcce-b302099a8057`. The name is asked "
    "for, or given by `--yes-erase 'Bright Windows'`. Broken off, it is begun again and goes on.",
)
def erase_organization(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The organisation's id.")],
    name: Annotated[str | None, typer.Option("--yes-erase", metavar="NAME", help="Its name, so as not to ask.")] = None,
) -> None:
    """Erase a closed organisation now: every row and file of it, for good, without waiting its thirty days."""
    _become("entrypoints.organization_erasure", identifier, *(["--yes-erase", name] if name is not None else []))


@app.command(
    "rebuild-analytics",
    epilog="Example: `rapport rebuild-analytics --organization 01890a5d-ac96-774b-bcce-b302099a8057`",
)
def rebuild_analytics(
    organization: Annotated[str | None, typer.Option("--organization", metavar="ID", help="One alone.")] = None,
) -> None:
    """Count what happened anew, from the event log, while the house runs; the old figures are shown until it ends."""
    _become("entrypoints.recount", *(["--organization", organization] if organization else []))


@app.command(
    "rotate-keys",
    epilog="Example: `RAPPORT_SECRET_KEYS=new,old rapport rotate-keys`, once every process runs with both.",
)
def rotate_keys() -> None:
    """Bring all that is stored encrypted under the first secret key, while the house runs; says when the others go."""
    _become("entrypoints.operations", "rotate-keys")


@app.command(epilog="Example: `rapport restored --backed-up-at 2027-03-22T02:00:00Z`, with everything else stopped.")
def restored(
    backed_up_at: Annotated[str, typer.Option("--backed-up-at", help="When the backup began, with its zone.")],
) -> None:
    """Say that the database was restored from a backup: campaigns pause, and no text goes out a second time."""
    _become("entrypoints.recovery", "--backed-up-at", backed_up_at)


@dead_letters.command("list")
def list_dead_letters(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many, newest first.")] = 50,
) -> None:
    """List parked work: id, what it was, since when, and why it failed."""
    _become("entrypoints.operations", "dead-letters", "list", "--limit", str(limit))


@dead_letters.command("show")
def show_dead_letter(identifier: _Identifier) -> None:
    """Show one parked piece of work with its attempts and the last error."""
    _become("entrypoints.operations", "dead-letters", "show", identifier)


@dead_letters.command("replay", epilog="Example: `rapport dead-letters replay --all`")
def replay_dead_letters(
    identifiers: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Which ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is parked.")] = False,
) -> None:
    """Give parked work back to the queue; what has taken effect meanwhile does nothing."""
    if bool(identifiers) == everything:
        _fail("Name the ids to replay, or say --all.")
    _become("entrypoints.operations", "dead-letters", "replay", *(identifiers or ["--all"]))


# Whole sentences, wrapped: by itself the plain help cuts them off. The rich one takes longer to load than all else.
for _command in (*app.registered_commands, *dead_letters.registered_commands):
    _command.short_help = _command.callback.__doc__ if _command.callback else None


def _config() -> "Config":
    # Imported late, as all that is heavy: `rapport --help` answers at once.
    from domain.kernel import Refusal
    from entrypoints.config import Config

    try:
        return Config.load()
    except Refusal as refusal:
        _fail(refusal.message)


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise SystemExit(1)


def main() -> None:
    """Run the command line."""
    app(prog_name="rapport")


if __name__ == "__main__":
    main()
