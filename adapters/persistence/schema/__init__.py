"""Every table of the house, so that Alembic sees one metadata."""

from adapters.persistence.schema import (
    analytics,
    coaching,
    coaching_lessons,
    coaching_prompts,
    identity,
    messaging,
    outreach,
    platform,
    sales,
    scheduling,
)
from adapters.persistence.schema.tenancy import metadata

__all__ = [
    "analytics",
    "coaching",
    "coaching_lessons",
    "coaching_prompts",
    "identity",
    "messaging",
    "metadata",
    "outreach",
    "platform",
    "sales",
    "scheduling",
]
