"""Routes of prompts."""

from application.coaching.prompt_forms import (
    Against,
    ComparedView,
    DraftPrompt,
    MadeLiveView,
    MakeLive,
    PromptView,
    RollBack,
    VersionListed,
)
from application.coaching.prompts import Prompts
from application.ports import Found, PageRequest
from domain.coaching.prompt import PromptType
from domain.kernel import NotFound
from entrypoints.http.operation import IfMatch, operation

_PATH = "/coach/prompts/{prompt_type:str}"


@operation("GET", _PATH, "getPrompt", "Show a prompt")
async def get_prompt(prompts: Prompts, prompt_type: str) -> PromptView:
    """`master`, `m1`, `m2`, `m3` or `reply`: what is live with the lessons in it, the draft beside it with those that
    it would be made live with, and how it does. Version 0 is the built-in one."""
    return await prompts.show(type_of(prompt_type))


@operation("PUT", _PATH, "draftPrompt", "Edit a prompt's draft")
async def draft_prompt(prompts: Prompts, prompt_type: str, body: DraftPrompt, version: IfMatch) -> PromptView:
    """What is live stays as it is until the draft is made live."""
    return await prompts.draft(type_of(prompt_type), body, version)


@operation("POST", f"{_PATH}/make-live", "makePromptLive", "Make a prompt's draft live", status=200)
async def make_prompt_live(prompts: Prompts, prompt_type: str, body: MakeLive, version: IfMatch) -> MadeLiveView:
    """As the next version, with the active lessons by priority as far as the budget in tokens goes; says which were
    left out. A draft that was evaluated as worse needs `force` and a reason: the 409 names the evaluation
    (`evaluation:<id>` in `details`, with its counts). `evaluation` shows what was judged with the answers that differ
    most; null says that it was not judged, as those of `m1`, `m2` and `m3` never are. A `share` makes it a trial.
    Refused where somebody changed the draft (`If-Match`), or it or the lessons (`fingerprint`), since you saw it."""
    return await prompts.make_live(type_of(prompt_type), body, version)


@operation("POST", f"{_PATH}/roll-back", "rollBackPrompt", "Let another version be live again", status=200)
async def roll_back_prompt(prompts: Prompts, prompt_type: str, body: RollBack) -> PromptView:
    """Moves a pointer: every answer that begins from now on is written with it, and every text of a touch that is
    not in the ledger yet. The draft stays as it is."""
    return await prompts.roll_back(type_of(prompt_type), body)


@operation("GET", f"{_PATH}/versions", "listPromptVersions", "List a prompt's versions", shows=VersionListed)
async def list_versions(prompts: Prompts, prompt_type: str, page: PageRequest) -> Found:
    """The latest first."""
    return await prompts.versions(type_of(prompt_type), page)


@operation("GET", f"{_PATH}/versions/{{number:int}}", "getPromptVersion", "Show a version of a prompt")
async def get_version(prompts: Prompts, prompt_type: str, number: int, narrowed: Against) -> ComparedView:
    """With the difference to another, as a unified diff; without `against` to the one before."""
    return await prompts.version(type_of(prompt_type), number, narrowed.against)


def type_of(name: str) -> PromptType:
    """Read a prompt's type out of an address."""
    if name not in set(PromptType):
        raise NotFound("There is no such prompt.")
    return PromptType(name)


ROUTES = (get_prompt, draft_prompt, make_prompt_live, roll_back_prompt, list_versions, get_version)
