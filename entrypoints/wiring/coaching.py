"""The adapters of the coach."""

from dishka import AnyOf, Provider, Scope, provide

from adapters.ai.sandbox_checker import SandboxLessonChecker
from adapters.persistence.coaching_lessons import PostgresLessons
from adapters.persistence.model_access import PostgresModelAccess
from application.coaching.lesson_checks import KnownLessons, LessonChecker, LessonChecks
from application.coaching.lessons import Lessons, LessonStore
from application.coaching.model_access import ModelAccess


class Coaching(Provider):
    """Bind the coach's ports."""

    scope = Scope.REQUEST

    lesson_store = provide(PostgresLessons, provides=AnyOf[LessonStore, KnownLessons])
    lesson_checks = provide(LessonChecks)
    lessons = provide(Lessons)
    access = provide(PostgresModelAccess, provides=ModelAccess)
    checker = provide(SandboxLessonChecker, provides=LessonChecker, scope=Scope.APP)
