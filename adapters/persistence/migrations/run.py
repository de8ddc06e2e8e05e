"""Where Alembic's configuration stands, for every caller."""

from pathlib import Path

from alembic.config import Config as AlembicConfig

FOLDER = Path(__file__).parent


def alembic_config(url: str) -> AlembicConfig:
    """Point Alembic at our migrations and one database (the owner's URL)."""
    configuration = AlembicConfig()
    configuration.set_main_option("script_location", str(FOLDER))
    configuration.attributes["url"] = url
    return configuration
