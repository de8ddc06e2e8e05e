"""Whether an English clause asks for an end of texts in words of its own: what is asked, near whom it is asked about.

The sentences of `revocations` are exact; these rules are loose. A clause is read as a row of marks, one a word: an end
(`E`: stop, quit), a refusal (`N`: never), contact (`C`: text, call), a removal (`R`: delete, take off), us (`M`: me, my
number), a list (`L`), a threat (`T`), a time (`W`), somebody that does it (`I`: I, we, the bus), words that change
nothing (`A`), anything else (`.`).
"""

import re

_SPELLINGS = (
    (r"\b(?:stp|stpo|sotp|sto|stahp|staph)\b|\b(?:turn|switch) off\b|\bcut (?:it|this|that) out\b", "stop"),
    (r"\b(?:turn|switch) (these \w+|this|them|it) off\b", r"stop \1"),
    (r"\b(?:last|final) (?:text|message|msg|time)\b.*\b(?:i|you|from)\b", "never text"),
    (r"\b(?:remve|remov|romove)\b", "remove"),
    (r"\b(?:numbr|nummber|nr|num)\b", "number"),
    (r"\b(?:tek|tak)\b", "take"),
    (r"\b(?:msging|mesaging|messagin)\b", "messaging"),
    (r"\b(?:txt|txtin|textin|txting|text1ng)\b", "texting"),
    (r"\bu\b", "you"),
    (r"\b(?:ur|yer)\b", "your"),
    (r"\b(?:pls|plz|plse|plis)\b", "please"),
    (r"\b(?:intrested|intersted)\b", "interested"),
    (r"\b(text|call|ring|messag|spam|contact|pester|send|writ|bother|blow|harass)in\b", r"\1ing"),
    (r"\b(?:not|never) (?:be )?unsub\w*", "never"),
    (r"\bunsu[bc]\w*|\bopt(?:ed|ing)?(?: \w+)? out\b", "remove me"),
    (
        r"\bpack (?:it|this|that) in(?: with)?\b|\b(?:give|gie) (?:it )?over\b|\bknock (?:it|this|that) off\b|"
        r"\bgive it a rest\b",
        "stop",
    ),
    (r"\b(?:blow(?:ing)? up|hit(?:ting|tin)?)(?= (?:me|us|my))", "text"),
    (r"^.*\b(?:told|asked) (?:you|ya|them)\b.* stop$|\bi said stop$|\bloads of times stop$", "stop texting"),
    (r"\b(?:hear(?:ing)?|texts?|messages?|anything) from\b", "text"),
    (
        r"\b(?:take|get|cross|strike|scratch|bin) (me|us|my \w+(?: \w+)?|this \w+|it|him|her)\b(?: \w+)? (?:off|out)\b",
        r"remove \1",
    ),
    (
        r"\b(?:would|could|can|will) (?:you|ya)(?: please)?(?: mind)? not\b|\brather (?:you )?(?:did|do)(?:nt| not)\b",
        "never",
    ),
    (r"\bif you (?:did ?nt|did not|would ?nt|could not|stopped)\b|\bgonnae no\b|\bgonna not\b", "never"),
    (r"\bdo ?n[o]?t\b|\bdo not\b|\bdonot\b|\bplease not\b|\bi do not want to\b|\bnot to\b", "never"),
    (r"\bno (?:more|further|other)\b", "never text"),
)
_MARKS = tuple(
    (mark, re.compile(words))
    for mark, words in (
        ("E", r"stop+(?:ping)?|quit|cease|desist|refrain|discontinue|halt"),
        ("N", r"never|nae|not"),
        ("C", r"text(?:s|ed|ing)?|messag(?:e|es|ed|ing)|msgs?|sms|contact(?:ed|ing)?|call(?:ed|ing)?|ring(?:ing)?|"
              r"phon(?:e|ing)|e?mail(?:s|ing)?|writ(?:e|ing)|bother(?:ing)?|spam(?:ming)?|pester(?:ing)?|"
              r"harass(?:ing)?|"
              r"send(?:ing)?|hassl(?:e|ing)"),
        ("R", r"remov(?:e|ed|ing)|delet(?:e|ed|ing)|eras(?:e|ed|ing)|lose|bin|wip(?:e|ed)|scrub|block"),
        ("M", r"me|us|my|this|these|it|them|him|his|her|our|number|phone|mobile|details|name|info|data"),
        ("L", r"list|lists|database|records|system|books|contacts|file|files|crm|mailing|mailings|campaign"),
        ("T", r"report|reported|reporting|sue|suing|solicitor|lawyer|police|ico|ofcom|ombudsman|harassment|standards|"
        r"fcc"),
        ("W", r"before|until|till|after|while|when|during|tomorrow|today|tonight|yet|monday|tuesday|wednesday|thursday|"
              r"friday|saturday|sunday|weekend|work|minute|sec|now and then"),
        ("I", r"i|we|he|she|they|cant|cannot|wont|why|how|where|bus|train|rain|did|does|have|has|hes|shes|weve|ive"),
        ("A", r"lol|ffs|tho|though|thank|seriously|annoying|again|anymore|more|ever|please|all|any|to|on|at|from|"
        r"with|off|of|and|or|your|you|the|now|just|so|bloody|"
              r"fucking|kindly|thanks|thx|ta|up|over|will|ya|cheers|x|fr|bro|mate|buddy|company|that|than"),
    )
)  # fmt: skip
_ASKED = re.compile(
    r"(?<![IN])(?<![IN][A.])E[AM]{0,3}C(?!M\.$|.*W)"  # stop texting, quit all this spam
    r"|(?<!I)N[A.]{0,2}C[CAM]*$"  # don't ever text us again
    r"|^[^N]*(?<!I)R[AM]{0,3}M[AM]*(?:[LC].*)?$"  # remove my number, delete me from your list
    r"|^[^N]*(?<!I)R[AM.]{0,4}L"
    r"|[CN].*T|T.*C"  # one more text and I am going to my solicitor
)
_OTHER = re.compile(
    r"\b(?:hesitate|forget|worry|but|instead|rather|better|except|still|interested in|old|wall|window|kitchen|boiler|"
    r"tiles?|newsletter|wife|husband"
    r"|neighbour|parcel|appointment|booking|order|quote|draught|leak|condensation|noise|by|off at|in at|over at)\b"
)


_CALLS = re.compile(r"(?:call|ring|phon|e?mail)\w*")
_TEXTS_RATHER = re.compile(r"\b(?:text|txt|message|msg|sms|whatsapp)\w*(?: me| is| are| only| instead|$)")


def asks_to_end(clause: str, whole: str) -> bool:
    """Tell whether a folded clause of a folded text asks not to be texted any more; who rather has texts does not."""
    if _CALLS.search(clause) and _TEXTS_RATHER.search(whole):
        return False
    for spelling, word in _SPELLINGS:
        clause = re.sub(spelling, word, clause)
    if _OTHER.search(clause):
        return False
    return _ASKED.search("".join(_mark(word) for word in clause.split())) is not None


def _mark(word: str) -> str:
    return next((mark for mark, words in _MARKS if words.fullmatch(word)), ".")
