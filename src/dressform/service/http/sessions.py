"""`Sessions`: signed-in browsers. A cookie names a key, not the key itself, and is signed."""

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

from dressform.core.errors import ConfigError

COOKIE = "dressform_session"
CSRF_HEADER = "X-CSRF-Token"
SESSION_SECONDS = 7 * 24 * 3600
SECRET_FILE = "session.secret"


class Sessions:
    """Makes and checks the cookies of signed-in browsers.

    A session ends with its key, at sign-out in the browser, after seven days, or when the file with
    the secret is deleted.

    Args:
        storage: folder of the service; the secret that signs is kept there.
        sign_in: what the printed link carries; None: there is no link.

    Raises:
        ConfigError: the secret cannot be read or written.
    """

    def __init__(self, storage: Path, sign_in: str | None = None) -> None:
        self._secret = _secret_of(storage / SECRET_FILE)
        self._sign_in = sign_in

    def is_link(self, token: str) -> bool:
        """Whether a token is that of the printed link."""
        return self._sign_in is not None and hmac.compare_digest(
            token.encode(), self._sign_in.encode()
        )

    def cookie_for(self, key_id: str) -> str:
        """A new session's cookie."""
        expires = int(time.time()) + SESSION_SECONDS
        text = f"{key_id}.{expires}.{secrets.token_hex(16)}"
        return f"{text}.{self._sign('session', text)}"

    def key_of(self, cookie: str) -> str | None:
        """The id of the key that a session was begun with; None if it is not valid any more."""
        text, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", text).encode()):
            return None
        key_id, expires, _ = text.split(".")
        return key_id if time.time() < int(expires) else None

    def csrf_of(self, cookie: str) -> str:
        """What a session's changes have to carry in a header."""
        return self._sign("csrf", cookie)

    def is_csrf(self, cookie: str, token: str) -> bool:
        """Whether a header's value is that of the session."""
        return hmac.compare_digest(token.encode(), self.csrf_of(cookie).encode())

    def _sign(self, purpose: str, text: str) -> str:
        message = f"{purpose}:{text}".encode("utf-8", "surrogateescape")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def _secret_of(path: Path) -> bytes:
    """The secret in a file, made if there is none; only its owner may read it."""
    try:
        with contextlib.suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
        secret = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read or written ({error.strerror})") from None
    if len(secret) != 32:
        raise ConfigError(f"{path} is damaged; delete it, and everybody signs in again")
    return secret
