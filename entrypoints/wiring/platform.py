"""What jobs and files stand on."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from dishka import Provider, Scope, provide

from adapters.files.local import LocalFiles
from adapters.files.objects import ObjectFiles, s3_store
from adapters.persistence.erased_addresses import ErasedAddresses
from adapters.persistence.jobs import PostgresJobs
from adapters.persistence.personal_data import PostgresPersonalRecords
from application.files import FileStore
from application.platform.jobs import Jobs, JobStore
from application.platform.personal_data import PersonalData, PersonalRecords
from entrypoints.config import Config


class Background(Provider):
    """Bind the ports of jobs and files."""

    scope = Scope.REQUEST

    job_store = provide(PostgresJobs, provides=JobStore)
    jobs = provide(Jobs)
    erased_addresses = provide(ErasedAddresses)
    personal_records = provide(PostgresPersonalRecords, provides=PersonalRecords)
    personal_data = provide(PersonalData)

    @provide(scope=Scope.APP)
    def files(self, config: Config) -> FileStore:
        """Keep files where RAPPORT_FILES_URL says."""
        return file_store(config)


def file_store(config: Config) -> FileStore:
    """Open the folder or the bucket that RAPPORT_FILES_URL names."""
    place = urlsplit(config.files_url)
    if place.scheme == "file":
        return LocalFiles(Path(unquote(place.path)))
    return ObjectFiles(s3_store(config.files_url), config.data_dir / "lent")
