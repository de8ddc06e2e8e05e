"""Questions that want a yes or a no, or something sent: what an answer to one speaks of."""

import re

_CLOSED = re.compile(
    r"(?:^|[.!?\n,])\W*(?:(?:hi|hello|hey|ok|okay|yes|great|thanks|and|but|so|also|sorry|please)\W+)*"
    r"(?:do|does|are|is|can|could|will|would|have|has) (?:you|u|your|it|this|that|the|there|they|i|we)\b"
    r"(?P<rest>[^.!?\n]*)\?"
)
# Whoever asks these asks who we are, or nothing.
_ABOUT_US = re.compile(r"\b(?:scam|spam|real|legit\w*|genuine|bot|robot|human|computer|fake|joking|kidding|remember)\b")
_NOTHING_ASKED = """
    able about all also and any anything are back been being but can could did does doing done from get give going good
    got great has have help here how its just know let like lot many may mean much need not now off okay one our out
    please really right see some still sure tell that the them then there these they thing this those too want was way
    well what when where which who why will with would yes yet you your yours
"""
_SAYS_NOTHING = frozenset(_NOTHING_ASKED.split())
_WORD = re.compile(r"[a-z]{3,}")
# What speaks of the same thing in other words.
_ALIKE = (
    ("cover", "serve", "area", "region", "local", "across", "through", "near", "based", "mile", "everywhere",
     "nationwide", "all over", "work in", "come to", "come out"),
    ("insur", "cover", "warrant", "guarant", "certif", "licen", "qualif", "accredit", "protect", "polic", "regist"),
    ("send", "sent", "email", "mail", "detail", "info", "brochur", "photo", "pictur", "link", "attach", "post"),
    ("pay", "month", "financ", "instal", "deposit", "credit", "card", "spread"),
    ("colo", "white", "black", "grey", "shade", "finish"),
    ("fit", "instal", "come", "visit", "survey", "measure"),
)  # fmt: skip
_ANSWERS = (
    r"\b(?:yes|yep|yeah|no|not|nope|never|none|neither|dont|doesnt|cant|wont|isnt|arent|havent|couldnt|sure|of course|"
    r"absolutely|certainly|definitely|indeed|correct|sorry|afraid|unfortunately|happy to|glad to|pleasure|no problem|"
    r"depend\w*|usually|normally|always|mostly|often|sometimes|maybe|perhaps|possibl\w*|we (?:do|can|are|have|will)|"
    r"i (?:do|can|am|have|will)|it (?:is|does|has|can|will)|they (?:do|are|have)|ill|well|check|find out|look into|"
    r"ask|get back|confirm|let you know|go through|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|today|tomorrow|"
    r"years?|months?|call\w*|ring|phone|colleague|speak|talk)\b|\d"
)


def answer_to(folded: str) -> re.Pattern[str] | None:
    """Give what any answer to a text's closed question holds, None where there is none that asks for something.

    A yes, a no, a next step, or whatever speaks of what was asked: it errs to the side of calling it answered.
    """
    found = _CLOSED.search(folded)
    asked = [] if found is None else [word for word in _WORD.findall(found["rest"]) if word not in _SAYS_NOTHING]
    if not asked or _ABOUT_US.search(folded):
        return None
    stems = {word[: max(4, len(word) - 3)] for word in asked}
    alike = {one for group in _ALIKE if any(word.startswith(one) for word in asked for one in group) for one in group}
    return re.compile(rf"{_ANSWERS}|\b(?:{'|'.join(sorted(stems | alike))})")
