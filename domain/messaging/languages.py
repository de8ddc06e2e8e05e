"""Which language a short text is in, as far as its small words tell."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

_LISTS: Mapping[str, str] = {
    "en": """
        a the and you your yours are is was were to of for in on it it's i'm i'd we we're can could would will do
        does did not no yes please thanks thank what when how why who this that with have has my me our us be
        been if still just about call quote get there hi hello sorry number know or at by an our but here they
        them their then so from not see let
    """,
    "es": """
        a el la los las un una de del que y en es está están por para con sin su sus tu tus mi mis me te se lo le
        no sí si gracias cuánto cuanto cuándo cuando cómo como quién qué hola buenos días usted ustedes nosotros
        puede quiero quisiera precio llamar llame llamada todavía aún interesa interesado ahora más pero también
        perdón disculpe número
    """,
    "pl": """
        a nie tak i w na z do się jest czy jak ile kiedy proszę dziękuję dzień dobry mnie pan pani państwa za co
        to ale mam chcę chciałbym cena numer jeszcze
    """,
    "de": """
        der die das den dem ein eine einen einem einer ich du er sie wir ihr ihnen mich mir uns und oder aber nicht kein
        keine ist sind war bin habe haben hat hätte wird werden kann können könnten möchte würde soll was wie wann wer
        wo für mit von zu zum zur auf aus bei nach noch schon auch nur ja nein bitte danke hallo guten tag sehr gern
        gerne interesse kostet preis anrufen angebot es wenn dann da so hier heute morgen dass im am
    """,
    "fr": """
        le la les un une des du de et est sont je tu il elle nous vous ils on ne pas plus oui non merci bonjour bonsoir
        mon ma mes votre vos notre nos pour avec sans sur dans qui que quoi quel quelle quand comment combien où ça
        cela c'est j'ai je suis suis êtes avez ai avons être avoir peut pouvez voudrais veux encore toujours intéressé
        prix appeler rappeler bien aussi mais ou si au aux en à me s'il plaît d'accord
    """,
    "it": """
        il lo la i gli le un uno una di del della dei delle e è sono sei siamo ho hai ha abbiamo non sì grazie ciao
        buongiorno buonasera per con senza su da dal in che chi cosa come quando quanto quale dove mi ti si ci vi mio
        mia suo sua nostro nostra vostro vostra posso può potete vorrei voglio ancora interessato interessata prezzo
        costa chiamare chiamarmi anche ma se più molto bene prego per favore questo questa al alla
    """,
    "pt": """
        o a os as um uma de do da dos das no na nos nas e é são está estão estou eu você vocês ele ela nós me te se lhe
        meu minha seu sua não sim obrigado obrigada olá oi bom boa dia tarde para por pelo pela com sem em ao à que quem
        quando quanto como onde mas também muito mais ainda já posso pode podem gostaria quero tenho tem interessado
        interessada preço custa ligar favor isso este esta
    """,
    "nl": """
        de het een ik jij je u wij we jullie zij ze hij mij mijn uw ons onze en of maar niet geen is zijn was ben heb
        hebben heeft had kan kunt kunnen wil wilt willen zou zal wordt wat wie waar wanneer hoe hoeveel waarom
        voor met van op in aan bij naar uit te om nog ook al wel ja nee graag dank bedankt alstublieft hallo goedemorgen
        dag interesse kost kosten prijs bellen afspraak dat dit die er als dan zo
    """,
    "uk": """
        і й та або але що як коли де хто чи це цей ця ще вже мене мені ми нас вам вас ваш ваша ваше мій моя є був була
        не так ні дякую будь ласка добрий день вітаю привіт скільки коштує ціна можете можна хочу хотів хотіла цікавить
        цікаво для з із до від про тільки дуже зателефонувати зателефонуйте я ви ти на за у в
    """,
}
KNOWN = frozenset(_LISTS)
_FIRST = frozenset({"en", "es", "pl"})
_WORDS = {name: frozenset(words.split()) for name, words in _LISTS.items()}
_WORD = re.compile(r"(?<![\w.@/])[^\W\d_]+(?:['’][^\W\d_]+)?(?![\w@]|\.\w)")  # no parts of addresses
_LATEST = 3
_LEAST = 2
_TELLING = 5
_SHARE_OF_SMALL_WORDS = 7


def language_of(text: str) -> str | None:
    """Name the language in `KNOWN` whose small words a text has most of, or None where they do not tell.

    Neighbours share words (`de`, `se`): of two that have as many, the one whose list stands first is named.
    """
    counts = _counts(_words(text))
    name = max(counts, key=lambda one: counts[one])
    others = [other for other, count in counts.items() if count == counts[name] and other != name]
    alike = name in _FIRST and not _FIRST & {*others}
    return name if counts[name] >= _LEAST and (not others or alike) else None


def may_be_in(text: str, language: str) -> bool:
    """Tell whether a text has as many small words of a language as of any other."""
    counts = _counts(_words(text))
    return counts[language] >= _LEAST and counts[language] == max(counts.values())


def answered_in(texts: Sequence[str], otherwise: str) -> str | None:
    """Name the language to answer texts in: theirs, None where it is surely none in `KNOWN`, `otherwise` if unsure."""
    latest = " ".join(texts[-_LATEST:])
    return language_of(latest) or (None if _is_none_of_them(latest) else otherwise)


def alphabets(text: str) -> frozenset[str]:
    """Name the alphabets of a text's letters, in capitals, where fewer than half of these are Latin."""
    found = Counter(alphabet(c) for c in text if c.isalpha())
    return frozenset(found) if 2 * found["LATIN"] < found.total() else frozenset()


def alphabet(letter: str) -> str:
    """Name a letter's alphabet, in capitals."""
    return unicodedata.name(letter, "?").split()[0]


def _is_none_of_them(text: str) -> bool:
    """Tell whether a text is long enough to have small words and has next to none of any known language."""
    words = _words(text)
    if alphabets(text):
        return len(words) >= _LEAST
    return len(words) >= _TELLING and max(_counts(words).values()) * _SHARE_OF_SMALL_WORDS <= len(words)


def _words(text: str) -> list[str]:
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def _counts(words: Sequence[str]) -> dict[str, int]:
    return {name: sum(word in known for word in words) for name, known in _WORDS.items()}
