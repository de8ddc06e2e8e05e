"""Prices, discounts, promises and counts in an answer: those that stand in our own facts, and no others."""

import re

from domain.messaging.reply_facts import ReplyFacts, without_slots

_SMALL = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
    "nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|"
    "once|doce|quince|veinte|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|"
    "dwa|trzy|cztery|pięć|dziesięć|pięćdziesiąt|"
    "zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwanzig|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|"
    "deux|trois|quatre|cinq|huit|neuf|dix|vingt|trente|quarante|cinquante|soixante|"
    "tre|quattro|cinque|sette|otto|nove|dieci|venti|trenta|quaranta|cinquanta|"
    "dois|duas|três|sete|oito|dez|vinte|trinta|quarenta|cinquenta|"
    "twee|drie|vijf|zes|zeven|acht|negen|tien|twintig|dertig|veertig|vijftig|"
    "дві|три|чотири|п.ять|десять|двадцять|тридцять|п.ятдесят"
)
_LARGE = (
    r"hundreds?|thousands?|millions?|grand|cien|ciento|doscient[oa]s|trescient[oa]s|quinient[oa]s|mil|millones|sto|"
    r"dwieście|trzysta|pięćset|tysiąc\w*|\w*hundert|\w*tausend|mille|milliers?|cento|duzent[oa]s|"
    r"(?:due|tre|quattro|cinque|sei|sette|otto|nove|dieci|venti|trenta|quaranta|cinquanta|cento)mila|"
    r"honderd|duizend|сто|двісті|тисяч\w*"
)
_UNITS = (
    r"percent|per cent|pounds?|quid|fivers?|tenners?|bucks?|pence|euros?|dollars?|cents|gbp|eur|usd|pln|zł|"
    r"libras?|dólares?|dolares?|por ciento|złotych|prozent|pfund|livres?|pour cent|sterline|per cento|por cento|"
    r"procent|гривень|гривн[іюя]|грн|євро|фунт\w*|відсотк\w*"
)
_AMOUNT = re.compile(
    rf"[$£€¥₹]\s?\d[\d.,]*(?:\s?[km]\b)?|\b\d[\d.,]*\s?(?:[$£€¥₹%]|(?:k|p|{_UNITS})(?!\w))|"
    rf"\b(?:{_SMALL}|one|a|an)[\s-]+(?:{_UNITS})(?!\w)|"
    rf"\b(?:(?:{_SMALL}|one|a)[\s-]+)?(?:{_LARGE})(?!\w)",
    re.IGNORECASE,
)
_MONEY_WORD = re.compile(
    rf"[$£€¥₹]|\b(?:{_UNITS}|discount\w*|refund\w*|guarante\w*|free of charge|for free|gratis|descuento\w*|"
    r"reembols\w*|garantiz\w*|gratuit\w*|cheapest|promis\w*|owes?|legally binding|promet\w*|half[ -]price|"
    r"mitad de precio|rabat\w*|libras esterlinas|"
    r"(?:no|without|zero|any|extra) (?:\w+ )?(?:charges?|costs?|fees?)|waiv\w+|(?:half|third|quarter|money) off|"
    r"half the (?:price|cost)|on the house|on us|complimentary|costs? (?:you )?nothing|cashback|vouchers?|"
    r"sin (?:coste|costo|cargo)s?|regal\w+|por cuenta de la casa|za darmo|bezpłat\w+|bez opłat\w*|"
    r"rabatt\w*|kostenlos\w*|kostenfrei\w*|umsonst|geschenkt|erstatt\w*|garant\w*|versprech\w*|versproch\w*|"
    r"verbindlich\w*|ermäßig\w*|nachlass|gutschein\w*|remise\w*|réduction\w*|rembours\w*|offerts?|promets|"
    r"sconto|sconti|scontat\w*|rimbors\w*|grátis|reduç\w*|kosteloos|korting\w*|terugbetal\w*|beloof\w*|"
    r"belov(?:en|end\w*)|безкоштовн\w*|безплатн\w*|знижк\w*|поверне\w*|гарант\w*|обіця\w*|"
    r"(?<!feel )(?<!you )(?<!you're )(?<!you’re )(?<!are )(?<!be )free"
    r"(?! (?:to|on|at|then|this|that|next|tomorrow|today|now|in|after|before|or|and|from|for a (?:call|chat))\b|\?))"
    r"(?!\w)",
    re.IGNORECASE,
)
_ASKED_FOR = r"for|price|prices|priced|costs?|pay|charge|charges|only|just|por|precio|cuesta|cuestan|za|cena|kosztuje"
_SPANS = r"minutes?|mins?|hours?|days?|weeks?|months?|years?|minutos?|horas?|días?|semanas?|meses|años?"
_PRICED_WORD = re.compile(
    rf"\b(?:{_ASKED_FOR})(?:\s+[^\W\d_]+)?\s+(?P<number>(?:{_SMALL})(?:[\s-]+[^\W\d_]+)?)(?!\w)", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_COUNTED = re.compile(r"(\d+(?:[.,:]\d+)*)(?:\s+([^\W\d_]{3,}))?")
_LONGEST_COUNT = 4
# Words that may follow a price as well as a count: they do not make a number that only the lead wrote a count.
_FUNCTION_WORDS = """
    all and are asap but cash con deal each easy even fine flat for from great have instead including is max net now
    offer okay only open para per perfect please por prepared price pues sounds sure tax thanks that then this today
    total tops under until vat when will with would yes you
"""
_COUNTS_NOTHING = frozenset(_FUNCTION_WORDS.split())


def amounts(text: str, facts: ReplyFacts) -> str | None:
    """Find an amount of money, or a share, that is not ours to the letter."""
    return _not_ours(_AMOUNT, without_slots(text, facts.slots), facts.stated)


def prices(text: str, facts: ReplyFacts) -> str | None:
    """Find an amount of money, or a word of one, that is not ours to the letter."""
    said = without_slots(text, facts.slots)
    found_one = amounts(text, facts) or _not_ours(_MONEY_WORD, said, facts.stated)
    if found_one is not None:
        return found_one
    for found in _PRICED_WORD.finditer(said):
        number = found["number"].lower()
        counted = re.search(rf"[\s-](?:{_SPANS})$", number) or (" " in number and _stands(number, facts))
        if not counted:
            return f"“{found.group()}” reads as a price that is none of ours."
    return None


def _not_ours(pattern: re.Pattern[str], said: str, known: str) -> str | None:
    ours = {_squeezed(found.group()) for found in pattern.finditer(known)}
    for found in pattern.finditer(said):
        if _squeezed(found.group()) not in ours:
            return f"“{found.group().strip()}” is no price, discount or promise of ours."
    return None


def numbers(text: str, facts: ReplyFacts) -> str | None:
    """Find a number that stands nowhere, or that only the lead wrote and that counts something else here."""
    known = _parts(facts.offered)
    theirs = "\n".join((*facts.theirs, *facts.recorded))
    counted = {_count(*found.groups()) for found in _COUNTED.finditer(theirs)}
    for found in _COUNTED.finditer(without_slots(text, facts.slots)):
        number, after = found.groups()
        if number in known:
            continue
        if number not in _parts(theirs):
            return f"The number {number} stands in no fact."
        short = len(re.sub(r"\D", "", number)) <= _LONGEST_COUNT
        if not short or after is None or after.lower() in _COUNTS_NOTHING or _count(number, after) not in counted:
            return f"The number {number} is the person's own, and is no count of what they counted."
    return None


def _count(number: str, after: str | None) -> tuple[str, str]:
    return number, (after or "").lower()


def _stands(words: str, facts: ReplyFacts) -> bool:
    said = "\n".join((*facts.ours, *facts.theirs, *facts.recorded)).lower()
    last = words.split()[-1]
    return last not in _COUNTS_NOTHING and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", said) is not None


def _parts(text: str) -> set[str]:
    found = _NUMBER.findall(text)
    return {*found, *(part for number in found for part in re.split(r"\D", number))}


def _squeezed(text: str) -> str:
    return re.sub(r"[\s,]", "", text.lower()).rstrip(".")
