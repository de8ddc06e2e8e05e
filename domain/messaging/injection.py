"""Signs that a text speaks to the machine that answers and not to us: such a text goes to a person, unanswered."""

import re
import unicodedata

_READ_AT_MOST = 4_000
_LOOKALIKES = str.maketrans("аеорсухіѕјԁһԛԝοανερτικϲ", "aeopcyxisjdhqwoavepmikc")


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_LOOKALIKES).replace("’", "'").replace("ł", "l")
    marks = unicodedata.normalize("NFD", plain)
    return re.sub(r"[ \t]+", " ", "".join(c for c in marks if unicodedata.category(c) not in ("Mn", "Cf")))


_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "instructions",
        re.compile(
            r"\b(?:ignore|disregard|forget|override|bypass|skip|ignora\w*|olvida\w*|omite|zignoruj|ignoruj|zapomnij|"
            r"ignorier\w*|vergiss|ignorez?|oublie[zs]?|ignorar|esqueca|dimentica|negeer)\b.{0,60}?\b(?:instruc\w*|"
            r"rules?|"
            r"prompts?|guidelines?|directions?|orders?|training|context|reglas|ordenes|indicaciones|instrukcj\w*|"
            r"polecen\w*|zasad\w*|anweisungen|regeln|consignes|regles|regole|istruzioni|instrucoes|regras|instructies|"
            r"everything|todo lo anterior|wszystko|alles)\b"
        ),
    ),
    (
        "instructions",
        re.compile(
            _fold(
                r"\b(?:забудь\w*|(?:про)?игнорируй\w*|ігноруй\w*|не обращай\w* внимания)\b.{0,60}?"
                r"\b(?:правил\w*|инструкци\w*|указани\w*|інструкці\w*|вказівк\w*|вс[её]|усе)\b"
            )
        ),
    ),
    (
        "prompt",
        re.compile(
            r"\b(?:system|developer|initial|hidden|secret|original|full|previous|above|your) ?(?:prompt|message|"
            r"instructions?|directives?)\b|\bprompt del sistema\b|\bsystemprompt\b|\binstrucciones (?:del sistema|"
            r"internas|ocultas)\b|\b(?:twoj\w*|ukryt\w*) (?:prompt|instrukcj\w*)\b|\btus instrucciones\b"
        ),
    ),
    (
        "role",
        re.compile(
            r"\byou are (?:now|no longer|dan)\b|"
            r"\b(?:act|behave|respond|roleplay|pretend)(?: as| like| to be|ing)\b.{0,40}"
            r"\b(?:ai|bot|assistant|model|admin\w*|developer|root|system|dan|owner|manager|unrestricted|pirate)\b|"
            r"\b(?:developer|debug|god|admin|maintenance|jailbreak|sudo|root|test) ?mode\b|\bjailbreak\w*\b|"
            r"\bdan\b.{0,20}"
            r"\bmode\b|\bahora eres\b|\bmodo (?:desarrollador|administrador|depuracion)\b|\bteraz jestes\b|"
            r"\bdu bist jetzt\b|"
            r"\btu es maintenant\b|\bactua como\b"
        ),
    ),
    (
        "machine",
        re.compile(
            r"\b(?:language model|llm|chatgpt|claude|openai|anthropic|gpt-?\d?|token limit|function call|tool[_ ]?call|"
            r"tool_use|api key|jwt|database dump|sql|select \* from|drop table|delete from|insert into|"
            r"modelo de lenguaje|"
            r"propose_reply|temperature ?=)\b|\bas an ai\b|\bcomo (?:una )?ia\b"
        ),
    ),
    (
        "others",
        re.compile(
            r"\b(?:list|show|tell|give|send|export|reveal|dump|print|share|muestra\w*|dame|envia\w*|lista|pokaz|podaj|"
            r"wyslij|zeig\w*|montre\w*)\b.{0,50}\b(?:other|all|every\w*|otros|todos|innych|wszystkich|anderen|autres) "
            r"(?:of )?(?:the |your |los |las |die |les )?(?:leads?|customers?|clients?|contacts?|people|numbers?|"
            r"names?|"
            r"conversations?|clientes|contactos|numeros|klient\w*|kontakt\w*|kunden|nummern)\b"
        ),
    ),
    (
        "authority",
        re.compile(
            r"\b(?:this is|i am|i'm|soy|habla) (?:the |your |el |tu )?(?:developer|administrator|admin|ceo|anthropic|"
            r"system|"
            r"owner of this system|desarrollador|administrador)\b|\b(?:new|updated|urgent|important) (?:instructions?|"
            r"directives?|policy|system update)\b|\bnuevas instrucciones\b|\bnowe instrukcje\b|\bneue anweisungen\b|"
            r"\bauthori[sz]ed override\b"
        ),
    ),
    (
        "dictation",
        re.compile(
            r"\b(?:reply|respond|answer|say|output|write|print|repeat|translate|responde|contesta|di|escribe|repite|"
            r"odpowiedz|napisz|powtorz|antworte|schreib|reponds|ecris)\b.{0,25}\b(?:exactly|only with|verbatim|"
            r"word for "
            r"word|nothing but|everything above|the text above|the words above|exactamente|solo con|literalmente|"
            r"dokladnie|tylko|genau|nur mit|exactement|seulement)\b"
        ),
    ),
    (
        "markup",
        re.compile(
            r"<\s*/?\s*(?:system|assistant|user|human|instructions?|lead|history|data|tool|admin|prompt|script|img|"
            r"iframe)"
            r"\b|\[/?(?:inst|system|assistant)\]|<\|[a-z_]+\|>|^\s*#{2,}\s*(?:system|instruction|assistant|new)|"
            r"(?:^|\n)\s*(?:system|assistant|human|developer)\s*:|\{\s*\"(?:role|tool|name|type|action|intent|slot|"
            r"text)"
            r"\"\s*:|```|\{\{.*\}\}|\$\{.*\}|%7b|&lt;|\\u00[0-9a-f]{2}",
        ),
    ),
    (
        "encoded",
        re.compile(r"(?<![\w/])(?:[A-Za-z0-9+/]{28,}={0,2})(?![\w/])|(?:[0-9a-f]{2}[ :]?){24,}|(?:[01]{8} ?){6,}"),
    ),
)
_HIDDEN = frozenset("\u200b\u200c\u2060\u2061\u2062\u2063\u2064\u180e\ufeff\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
_LETTERS = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "ł": "l", "ø": "o"}
)
_SPACED = re.compile(r"\b(?:[^\W\d_][ .\-_*]){4,}[^\W\d_]\b")


def injection_signs(text: str) -> tuple[str, ...]:
    """Name the signs found in a lead's text, read as written, without marks and look-alikes, and as if spelled in
    digits; plain enquiries have none.
    """
    seen = text[:_READ_AT_MOST]
    found = {"hidden"} if _hides(seen) else set()
    folded = _fold(seen)
    readings = (folded, folded.translate(_LETTERS), _joined(folded), folded[::-1])
    for name, pattern in _SIGNS:
        if name == "encoded":
            if pattern.search(seen):
                found.add(name)
        elif any(pattern.search(reading) for reading in readings):
            found.add(name)
    return tuple(sorted(found))


def _hides(text: str) -> bool:
    """Tell whether there are characters that nobody sees, or that are another alphabet's tag letters."""
    return any(c in _HIDDEN or 0xE0000 <= ord(c) <= 0xE007F for c in text) or any(
        unicodedata.category(c) in ("Cc", "Co", "Cn") and c not in "\n\r\t" for c in text
    )


def _joined(text: str) -> str:
    """Write what was spelled letter by letter as words."""
    return _SPACED.sub(lambda m: re.sub(r"[ .\-_*]", "", m.group()), text.replace("   ", "\n").replace("  ", "\n"))
