"""What datasets, uploads and imports stand on."""

from dishka import Provider, Scope, provide

from adapters.crossings.import_jobs import JobsOfImports
from adapters.files.tables import CsvTables
from adapters.persistence.import_records import PostgresImportRecords
from adapters.persistence.import_undo import PostgresUndo
from adapters.persistence.imports import PostgresEnrols, PostgresImports
from adapters.persistence.outreach import PostgresDatasets, PostgresUploads
from application.outreach.dataset_removals import DatasetRemovals, RemovalStore
from application.outreach.datasets import Datasets, DatasetStore
from application.outreach.import_ports import Enrols, ImportJobs, ImportStore
from application.outreach.import_records import ImportRecords, ImportRecordStore
from application.outreach.import_undo import ImportUndo, UndoStore
from application.outreach.imports import Imports
from application.outreach.tables import Tables
from application.outreach.uploads import Uploads, UploadStore


class Outreach(Provider):
    """Bind the ports of datasets, uploads and imports."""

    scope = Scope.REQUEST

    dataset_store = provide(PostgresDatasets, provides=DatasetStore)
    upload_store = provide(PostgresUploads, provides=UploadStore)
    import_store = provide(PostgresImports, provides=ImportStore)
    record_store = provide(PostgresImportRecords, provides=ImportRecordStore)
    undo_store = provide(PostgresUndo, provides=UndoStore)
    removal_store = provide(PostgresDatasets, provides=RemovalStore)
    import_jobs = provide(JobsOfImports, provides=ImportJobs)
    enrols = provide(PostgresEnrols, provides=Enrols)
    tables = provide(CsvTables, provides=Tables, scope=Scope.APP)
    datasets = provide(Datasets)
    uploads = provide(Uploads)
    imports = provide(Imports)
    import_records = provide(ImportRecords)
    import_undo = provide(ImportUndo)
    dataset_removals = provide(DatasetRemovals)
