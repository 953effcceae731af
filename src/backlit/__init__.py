"""Backlit."""
