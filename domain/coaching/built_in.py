"""What is told until an organisation makes prompts of its own live."""

from domain.coaching.prompt import BUILT_IN, PromptType, PromptVersion

_TEXTS = {
    PromptType.M1: "Write the first text to somebody who once asked and has not written back: who we are, what they"
    " asked about, one question. Do not promise, press, or pretend to know them.",
    PromptType.M2: "Write the second text to somebody who did not answer: shorter, another angle, no reproach.",
    PromptType.M3: "Write the last text to somebody who did not answer: kind, brief, and easy to say no to.",
    PromptType.REPLY: "Answer the person's latest messages.",
}


def built_in(prompt_type: PromptType, master: str) -> PromptVersion:
    """Give version 0 of a type; `master` is the house's own prompt, which stands before all others."""
    return PromptVersion(number=BUILT_IN, system_prompt=_TEXTS.get(prompt_type, master))
