"""What jobs and files stand on."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from dishka import AnyOf, Provider, Scope, provide

from adapters.crossings.sight import SightOfMembers
from adapters.files.local import LocalFiles
from adapters.files.objects import ObjectFiles, s3_store
from adapters.identity.export_links import HmacExportLinks
from adapters.persistence.erased_addresses import ErasedAddresses
from adapters.persistence.exports import PostgresExportedTables
from adapters.persistence.jobs import PostgresJobs, PostgresKeptFiles
from adapters.persistence.personal_data import PostgresPersonalRecords
from adapters.tables.sheets import SpreadsheetFiles
from application.files import FileStore
from application.platform.exports import ExportedTables, ExportLinks, Exports, Sheets, Sight
from application.platform.job_work import JobWork
from application.platform.jobs import Jobs, JobStore
from application.platform.kept_files import FileKeeping, KeptFiles
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
    job_work = provide(JobWork)
    kept_files = provide(PostgresKeptFiles, provides=KeptFiles)
    file_keeping = provide(FileKeeping)
    exported_tables = provide(PostgresExportedTables, provides=ExportedTables)
    sight = provide(SightOfMembers, provides=Sight)
    exports = provide(Exports)

    @provide(scope=Scope.APP)
    def sheets(self, config: Config) -> Sheets:
        """Write sheets beside the files that are lent, on this machine's disk."""
        return SpreadsheetFiles(config.data_dir / "lent")

    @provide(scope=Scope.APP)
    def export_links(self, config: Config) -> AnyOf[HmacExportLinks, ExportLinks]:
        """Sign links by the secret keys."""
        return HmacExportLinks(config.derived_keys("export-links"), config.public_url)

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
