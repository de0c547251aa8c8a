"""The secrets that webhooks are signed with, as Standard Webhooks has them: one for who sends and for who receives."""

import base64
from collections.abc import Sequence

from standardwebhooks import Webhook

from narrate.errors import NarrateError

PREFIX = "whsec_"

SECRET_BYTES = range(24, 65)
"""How long a secret may be."""


def signers_of(secrets: Sequence[str]) -> tuple[Webhook, ...]:
    """What signs, and verifies, with each of these secrets. Raises NarrateError, whose text leaves the secret out."""
    return tuple(_signer(secret, place) for place, secret in enumerate(secrets, 1))


def _signer(secret: str, place: int) -> Webhook:
    # Checked here because the library takes whatever can be read as base64 with some good will, be it empty.
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in SECRET_BYTES:
        first, last = SECRET_BYTES.start, SECRET_BYTES.stop - 1
        wanted = f"it must be `{PREFIX}` and then {first} to {last} bytes in base64"
        raise NarrateError(f"Webhook secret number {place} is not one: {wanted}.")
    return Webhook(secret)
