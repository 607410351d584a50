"""Alembic: only the composing room knows all tables."""
