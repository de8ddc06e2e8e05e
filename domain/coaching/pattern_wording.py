"""What rules say of a pattern, in words that hold for every organisation."""

from domain.coaching.pattern import Action, Pattern, Step

_FEATURES = {
    "names_the_lead": ("call the lead by name", "Call the lead by name."),
    "names_the_business": ("say who writes", "Say which business writes."),
    "asks_a_question": ("ask a question", "Ask one question."),
    "offers_two_times": ("offer two times", "Offer two times to choose from."),
    "holds_a_link": ("hold a link", "Put in a link."),
    "is_short": ("are short", "Keep it to a hundred characters."),
    "is_long": ("are longer than one text", "Write more than fits into one text."),
    "exclaims": ("exclaim", "Use an exclamation mark."),
    "leaves_in_the_morning": ("leave in the morning", "Send it before noon."),
    "leaves_in_the_evening": ("leave in the evening", "Send it after five."),
    "leaves_at_the_weekend": ("leave at the weekend", "Send it on Saturday or Sunday."),
}
_SUBJECTS = {Step.OPENING: "Openings", Step.ANSWER: "First answers"}
_OUTCOMES = {Step.OPENING: "are answered", Step.ANSWER: "lead to a call"}


def title_of(pattern: Pattern) -> str:
    """Say it in one sentence without numbers."""
    more = "more often" if pattern.success_rate > pattern.other_rate else "less often"
    return f"{_SUBJECTS[pattern.step]} that {_what(pattern)[0]} {_OUTCOMES[pattern.step]} {more}"


def description_of(pattern: Pattern) -> str:
    """Say the numbers, and how sure they are."""
    doubt = " This may be chance: try it on more people before you rely on it."
    return (
        f"{pattern.successes} of {pattern.occurrences} ({pattern.success_rate:.0%}) against"
        f" {pattern.other_successes} of {pattern.others} ({pattern.other_rate:.0%}) of the others;"
        f" p = {pattern.p_value:.3f}.{doubt if pattern.action is Action.TEST_MORE else ''}"
    )


def suggestion_of(pattern: Pattern) -> str:
    """Say what to do."""
    doing = _what(pattern)[1]
    match pattern.action:
        case Action.ADOPT:
            return f"Make it the rule: {doing[0].lower()}{doing[1:]}"
        case Action.AVOID:
            return f"Leave it: {doing[0].lower()}{doing[1:-1]} no more."
    return "Test it: let half of the next campaign do so."


def lesson_of(pattern: Pattern) -> str:
    """Say what could be taught to whoever writes."""
    doing = _what(pattern)[1]
    return f"Do not {doing[0].lower()}{doing[1:]}" if pattern.action is Action.AVOID else doing


def _what(pattern: Pattern) -> tuple[str, str]:
    known = _FEATURES.get(pattern.feature)
    if known is not None:
        return known
    language = pattern.feature.removeprefix("is_in_").replace("_", " ")
    return f"are written in {language}", f"Write in {language}."
