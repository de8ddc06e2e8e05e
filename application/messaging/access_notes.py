"""How an access to the model did, noted by whoever asked with it."""

from dataclasses import dataclass

from application.messaging.answering import ReplyStore
from application.model_calls import Access
from application.ports import Actor, UnitOfWork, within
from application.provider import ProviderError, Unusable
from domain.messaging.reply import AiFailed


@dataclass(frozen=True)
class AccessNotes:
    """Note how an access did, and say once of the organisation's own that people must mend it."""

    actor: Actor
    uow: UnitOfWork
    replies: ReplyStore

    @within
    async def note(self, access: Access, failure: ProviderError | None, has_written: bool) -> None:
        """Note what came of asking with an access; what says nothing of it is left out."""
        trouble = failure.reason if isinstance(failure, Unusable) else None
        if trouble is None and not has_written:
            return
        provider = await self.replies.note_access(trouble, own=access.api_key is not None)
        if provider is not None and trouble is not None:
            self.uow.publish(AiFailed(subject=self.actor.organization_id, provider=provider, reason=trouble))
