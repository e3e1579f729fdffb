"""Runs one notebook, checks it, publishes it as a page, and keeps the index of all pages."""
