"""What lessons and prompts stand on."""

from collections.abc import AsyncIterator

from dishka import AnyOf, Provider, Scope, provide

from adapters.ai.own_key import OwnKeyLessonChecker
from adapters.ai.sandbox_checker import SandboxLessonChecker
from adapters.crossings.candidate_answers import AnswersForCoaching
from adapters.crossings.import_jobs import JobsOfImports
from adapters.crossings.past_threads import ThreadsForCoaching
from adapters.persistence.coaching_access import PostgresModelAccess
from adapters.persistence.coaching_canaries import PostgresCanaries, PostgresOutcomes
from adapters.persistence.coaching_evaluations import PostgresCases, PostgresEvaluations
from adapters.persistence.coaching_lessons import PostgresLessons
from adapters.persistence.coaching_prompts import PostgresPrompts
from application.coaching.candidates import Drafts
from application.coaching.cases import Cases
from application.coaching.evaluation_ports import (
    CandidateAnswers,
    CaseStore,
    EvaluationJobs,
    EvaluationStore,
    PastThreads,
)
from application.coaching.evaluations import Evaluations
from application.coaching.judging import Judging
from application.coaching.lesson_checks import KnownLessons, LessonChecker, LessonChecks
from application.coaching.lessons import Lessons, LessonStore
from application.coaching.measuring import Measuring
from application.coaching.model_access import ModelAccess
from application.coaching.previews import PromptPreviews
from application.coaching.prompt_ports import ActiveLessons, CanaryStore, KnownEvaluations, Outcomes, PromptStore
from application.coaching.prompts import Prompts
from application.coaching.telling import Telling
from entrypoints.config import Config
from entrypoints.wiring.models import Model, served


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
    past = provide(ThreadsForCoaching, provides=PastThreads)
    answers = provide(AnswersForCoaching, provides=CandidateAnswers, scope=Scope.APP)
    jobs = provide(JobsOfImports, provides=EvaluationJobs)
    judging = provide(Judging, scope=Scope.APP)
    telling = provide(Telling)
    drafts = provide(Drafts)
    previews = provide(PromptPreviews)
    cases = provide(Cases)
    evaluations = provide(Evaluations)
    prompts = provide(Prompts)
    measuring = provide(Measuring)
    access = provide(PostgresModelAccess, provides=ModelAccess)

    @provide(scope=Scope.APP)
    async def checker(self, config: Config) -> AsyncIterator[LessonChecker]:
        """Compare lessons by their words, and by a model too where there is one."""

        def model(key: str | None, name: str, url: str | None) -> Model:
            from adapters.ai.checker_anthropic import AnthropicLessonChecker

            return AnthropicLessonChecker(key, name, url)

        rules: LessonChecker = SandboxLessonChecker()
        async with served(config, rules, model, OwnKeyLessonChecker) as checker:
            yield checker
