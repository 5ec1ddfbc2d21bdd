"""Backups of the whole server: the database at one moment, and every picture, checked when written and when restored.

A backup is a directory that appears when it is whole. Erasures made after it was written are repeated on restoring, so
that nobody who withdrew comes back.
"""
