"""Backups: one encrypted file, read back before it counts, restored whole or not at all (docs/backup.md)."""
