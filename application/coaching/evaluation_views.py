"""How the answers of evaluations are shown."""

from application.coaching.evaluation_forms import AnswerView, ExampleView
from application.coaching.evaluation_ports import Compared, Judged


def example_view(compared: Compared) -> ExampleView:
    """Show both answers to one past conversation."""
    return ExampleView(
        case_id=compared.case_id, outcome=compared.outcome, old=_answer(compared.old), new=_answer(compared.new)
    )


def _answer(judged: Judged) -> AnswerView:
    return AnswerView(text=judged.text, score=judged.score, findings=list(judged.findings))
