"""Images are found by their class: without these indexes, each class that is deleted looks at all
images of all projects.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up to date."""
    with op.batch_alter_table("images", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_images_category_id"), ["category_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_images_suggested_id"), ["suggested_id"], unique=False)


def downgrade() -> None:
    """Bring the tables back."""
    with op.batch_alter_table("images", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_images_suggested_id"))
        batch_op.drop_index(batch_op.f("ix_images_category_id"))
