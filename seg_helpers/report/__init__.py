"""Runs one notebook, checks it, publishes it as a page, and keeps the index of all pages."""

import sys

# A check of web addresses that no notebook has, whose grammar takes two seconds to compile: jsonschema goes without.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
