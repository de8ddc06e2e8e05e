"""What notifications stand on."""

from dishka import AnyOf, Provider, Scope, provide

from adapters.persistence.audience import PostgresAudience, PostgresHappenings
from adapters.persistence.notifications import PostgresNotifications
from application.messaging.notices import Happenings, Notices
from application.messaging.notification_mail import DigestMail, Digests, DigestStore, FrontEnd, NotificationMail
from application.messaging.notification_texts import NotificationTexts
from application.messaging.notifications import Notifications
from application.messaging.notifying import Audience, NotificationStore, Notifying
from entrypoints.config import Config


class Telling(Provider):
    """Bind the ports of notifications."""

    scope = Scope.REQUEST

    audience = provide(PostgresAudience, provides=Audience)
    happenings = provide(PostgresHappenings, provides=Happenings)
    store = provide(PostgresNotifications, provides=AnyOf[NotificationStore, DigestStore])
    notifying = provide(Notifying)
    texts = provide(NotificationTexts)
    notices = provide(Notices)
    notifications = provide(Notifications)
    single = provide(NotificationMail)
    digest_mail = provide(DigestMail)
    digests = provide(Digests)

    @provide(scope=Scope.APP)
    def front_end(self, config: Config) -> FrontEnd:
        """Know where links lead."""
        return FrontEnd(config.public_url)
