"""Let the reader of streams find what is new in the feed, whoever's it is."""

from alembic import op

revision = "0021"
down_revision: str | None = "0020"


def upgrade() -> None:
    """Take the step."""
    op.create_index(op.f("ix_feed_position"), "feed", ["position"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index(op.f("ix_feed_position"), table_name="feed")
