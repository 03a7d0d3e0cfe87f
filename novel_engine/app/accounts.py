"""Who may log in. Flows in: a folder with a file for each account, named after it, its password inside: a
Secret, mounted. Flows out: yes or no.

The file is read at each login, so a password that is changed in the Secret counts without a restart.
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path

ADMIN = "admin"
NAME = re.compile(r"[a-z0-9-]{1,64}")


def is_right(folder: Path, name: str, password: str) -> bool:
    """Whether there is such an account and this is its password. OSError where the file cannot be read."""
    # Somebody unknown takes as long to refuse as a wrong password.
    kept = secrets.token_hex().encode()
    if NAME.fullmatch(name) and (folder / name).is_file():
        kept = (folder / name).read_bytes().strip()
    return bool(kept) and hmac.compare_digest(kept, password.encode())
