"""The texts that begin a conversation, by rules: who we are, what they asked, one question; in English and Spanish."""

from application.messaging.reply_writing import WritingTask
from domain.messaging.template import proper_name

_EN = (
    "Hi{name}, it's {organization}. You once asked us about {product}. Is that still of interest?",
    "Hi{name}, {organization} here again. Are you still thinking about {product}? Happy to answer any question.",
    "Hi{name}, a last word from {organization} about {product}: if the time is right, just reply and we will help.",
)
_ES = (
    "Hola{name}, somos {organization}. Usted nos preguntó por {product}. ¿Todavía le interesa?",
    "Hola{name}, otra vez {organization}. ¿Sigue pensando en {product}? Con gusto le aclaramos lo que quiera.",
    "Hola{name}, un mensaje final de {organization} sobre {product}: si es el momento, responda y le ayudamos.",
)
_WORDS = {"es": _ES}
_PRODUCT = {"es": "nuestros servicios"}


def opening_text(task: WritingTask) -> str:
    """Write the first, a middle or the last text."""
    assert task.opening is not None
    texts = _WORDS.get(task.language or "en", _EN)
    text = texts[2 if task.opening.is_last and task.opening.number > 1 else min(task.opening.number - 1, 1)]
    return text.format(
        name=f" {proper_name(task.first_name)}" if task.first_name else "",
        organization=task.organization,
        product=(task.product or _PRODUCT.get(task.language or "en", "our services")).rstrip("."),
    )
