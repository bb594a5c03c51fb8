"""Pseudonyms of students, which stay the same in every run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eigenlab.errors import InputError
from eigenlab.files import dump_json, read_json, write_atomic
from eigenlab.grading.batch.submissions import Submission


def renamed(submissions: Sequence[Submission], path: Path) -> list[Submission]:
    """Submissions with pseudonyms in the place of names.

    A pseudonym follows from the name and a random secret, so it cannot be guessed from a list of
    the class.

    Args:
        submissions: those of a class.
        path: file with the secret and the names; it is made where it is missing, and only its
            owner can read it.
    """
    content = read_json(path) if path.exists() else {"secret": secrets.token_hex(32), "names": {}}
    if not (isinstance(content, dict) and {"secret", "names"} <= content.keys()):
        raise InputError(f"{path} has no pseudonyms; move it away to begin with new ones")
    found = []
    for submission in submissions:
        who = f"{submission.name}\0{submission.id}\0{submission.key}".encode()
        code = hmac.new(bytes.fromhex(content["secret"]), who, hashlib.sha256).digest()
        name = "student-" + base64.b32encode(code)[:10].decode().lower()
        content["names"][name] = {"name": submission.name, "id": submission.id}
        found.append(replace(submission, key=name, name=name, id=""))
    write_atomic(path, dump_json(content) + "\n")
    os.chmod(path, 0o600)
    return found
