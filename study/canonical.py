"""Documents as canonical JSON, and their hashes: equal content gives equal bytes."""

import hashlib
import json
from typing import Any


def canonical_json(content: Any) -> bytes:
    """Return a document as canonical JSON: sorted keys, no spaces, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(content: Any) -> str:
    """Return the SHA-256 of a document's canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(content)).hexdigest()
