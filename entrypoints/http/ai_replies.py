"""Routes of the AI's answers."""

import msgspec

from application.messaging.reply_drafts import GeneratedView, GenerateReply, ReplyDrafts, SendReply
from application.messaging.shown import MessageView
from entrypoints.http.operation import operation


@operation(
    "POST", "/messages/ai-generate", "generateReply", "Draft an AI answer", limits=("api",), status=200, seconds=40
)
async def generate_reply(drafts: ReplyDrafts, body: GenerateReply) -> GeneratedView:
    """For preview; nothing is sent. The same draft again, unless `force_regenerate` or the lead has written since."""
    return await drafts.generate(body)


@operation("POST", "/messages/ai-send", "sendReply", "Send an AI answer", shows=MessageView, limits=("api", "texts"))
async def send_reply(drafts: ReplyDrafts, body: SendReply) -> msgspec.Raw:
    """A draft that you approve, or with your words; counts toward the hour's texts."""
    return await drafts.send(body)


ROUTES = (generate_reply, send_reply)
