"""What it looks like when the database cannot do its work just now: whoever asked may ask again."""

import asyncpg

from adapters.persistence.database import Unavailable

AWAY = (
    Unavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    TimeoutError,
    OSError,
)
BUSY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
TAKES_NO_CHANGES = asyncpg.ReadOnlySQLTransactionError
TROUBLE = (*AWAY, *BUSY, TAKES_NO_CHANGES)
IS_READ_ONLY = "current_setting('transaction_read_only')::bool"
"""Whether a standby is asked, or an operator has set it so; for a statement outside any block that reads only."""
