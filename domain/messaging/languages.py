"""Which language a short text is in, as far as its small words tell."""

import re
from collections.abc import Mapping

_LISTS: Mapping[str, str] = {
    "en": """
        the and you your yours are is was were to of for in on it it's i'm i'd we we're can could would will do
        does did not no yes please thanks thank what when how why who this that with have has my me our us be
        been if still just about call quote get there hi hello sorry number know or at by an our but here they
        them their then so from not see let
    """,
    "es": """
        el la los las un una de del que y en es está están por para con sin su sus tu tus mi mis me te se lo le
        no sí si gracias cuánto cuanto cuándo cuando cómo como quién qué hola buenos días usted ustedes nosotros
        puede quiero quisiera precio llamar llame llamada todavía aún interesa interesado ahora más pero también
        perdón disculpe número
    """,
    "pl": """
        nie tak i w na z do się jest czy jak ile kiedy proszę dziękuję dzień dobry mnie pan pani państwa za co
        to ale mam chcę chciałbym cena numer jeszcze
    """,
}
KNOWN = frozenset(_LISTS)
_WORDS = {name: frozenset(words.split()) for name, words in _LISTS.items()}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def language_of(text: str) -> str | None:
    """Name the language (`en`, `es`, `pl`) whose small words a text has most of, or None where they do not tell."""
    words = [word.replace("’", "'") for word in _WORD.findall(text.lower())]
    counts = sorted(((sum(w in known for w in words), name) for name, known in _WORDS.items()), reverse=True)
    (most, name), (second, _) = counts[0], counts[1]
    return name if most >= 2 and most > second else None
