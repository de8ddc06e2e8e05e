"""What lessons and prompts stand on."""

from dishka import AnyOf, Provider, Scope, provide

from adapters.ai.sandbox_checker import SandboxLessonChecker
from adapters.persistence.coaching_access import PostgresModelAccess
from adapters.persistence.coaching_canaries import PostgresCanaries, PostgresOutcomes
from adapters.persistence.coaching_evaluations import PostgresCases, PostgresEvaluations
from adapters.persistence.coaching_lessons import PostgresLessons
from adapters.persistence.coaching_prompts import PostgresPrompts
from application.coaching.evaluation_ports import (
    CaseStore,
    EvaluationStore,
)
from application.coaching.lesson_checks import KnownLessons, LessonChecker, LessonChecks
from application.coaching.lessons import Lessons, LessonStore
from application.coaching.measuring import Measuring
from application.coaching.model_access import ModelAccess
from application.coaching.prompt_ports import ActiveLessons, CanaryStore, KnownEvaluations, Outcomes, PromptStore
from application.coaching.prompts import Prompts


class Teaching(Provider):
    """Bind the ports of what the AI is taught and told."""

    scope = Scope.REQUEST

    lesson_store = provide(PostgresLessons, provides=AnyOf[LessonStore, KnownLessons, ActiveLessons])
    lesson_checks = provide(LessonChecks)
    lessons = provide(Lessons)
    prompt_store = provide(PostgresPrompts, provides=PromptStore)
    canary_store = provide(PostgresCanaries, provides=CanaryStore)
    outcomes = provide(PostgresOutcomes, provides=Outcomes)
    evaluation_store = provide(PostgresEvaluations, provides=AnyOf[EvaluationStore, KnownEvaluations])
    case_store = provide(PostgresCases, provides=AnyOf[PostgresCases, CaseStore])
    prompts = provide(Prompts)
    measuring = provide(Measuring)
    access = provide(PostgresModelAccess, provides=ModelAccess)
    checker = provide(SandboxLessonChecker, provides=LessonChecker, scope=Scope.APP)
