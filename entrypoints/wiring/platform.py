"""What jobs and files stand on."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from dishka import Provider, Scope, provide

from adapters.files.local import LocalFiles
from adapters.persistence.jobs import PostgresJobs
from application.files import FileStore
from application.platform.jobs import Jobs, JobStore
from domain.kernel import Invalid
from entrypoints.config import Config


class Background(Provider):
    """Bind the ports of jobs and files."""

    scope = Scope.REQUEST

    job_store = provide(PostgresJobs, provides=JobStore)
    jobs = provide(Jobs)

    @provide(scope=Scope.APP)
    def files(self, config: Config) -> FileStore:
        """Keep files where RAPPORT_FILES_URL says."""
        place = urlsplit(config.files_url)
        if place.scheme != "file":
            raise Invalid(
                f"RAPPORT_FILES_URL begins with {place.scheme}://; this version keeps files under file:// only."
            )
        return LocalFiles(Path(unquote(place.path)))
