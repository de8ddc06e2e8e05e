"""What figures stand on."""

from dishka import Provider, Scope, provide

from adapters.persistence.analytics import PostgresFigures
from adapters.persistence.coach_figures import PostgresCoachFigures
from adapters.persistence.rollups import PostgresRollups
from application.analytics.analytics import Analytics
from application.analytics.figures import Figures
from application.analytics.impact import CoachFigures, Impact
from application.analytics.rollups import Counting, Rollups


class Counts(Provider):
    """Bind the ports of counting and of what was counted."""

    scope = Scope.REQUEST

    rollups = provide(PostgresRollups, provides=Rollups)
    counting = provide(Counting)
    figures = provide(PostgresFigures, provides=Figures)
    analytics = provide(Analytics)
    coach_figures = provide(PostgresCoachFigures, provides=CoachFigures)
    impact = provide(Impact)
