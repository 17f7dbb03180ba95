"""Migrations: Alembic's environment for our tables."""
