"""Every table of the house, so that Alembic sees one metadata."""

from adapters.persistence.schema import identity, messaging, outreach, platform, sales, scheduling
from adapters.persistence.schema.tenancy import metadata

__all__ = ["identity", "messaging", "metadata", "outreach", "platform", "sales", "scheduling"]
