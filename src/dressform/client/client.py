"""`Client`: a service that ``dressform serve`` started, by Python."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dressform.client.project import ServiceProject
from dressform.client.records import ServiceError
from dressform.core.errors import ConfigError, ResourceError
from dressform.core.files import user_path

if TYPE_CHECKING:
    import httpx

KEY_VARIABLE = "DRESSFORM_KEY"
RETRIES = 5
"""Times that a broken stream of events is continued."""


class Client:
    """A service that ``dressform serve`` started::

        client = dressform.Client("http://127.0.0.1:8000", key="df_…")
        shop = client.create_project("Shop")
        shop.upload("photos")
        shop.train(progress=print)
        print(shop.predict("hat.jpg"))

    Args:
        url: of the service.
        key: an API key; default: the environment variable ``DRESSFORM_KEY``.
        timeout: seconds for one answer, above 0.

    Raises:
        ConfigError: there is no key, or the extra ``serve`` is not installed.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        timeout: float = 120.0,
    ) -> None:
        try:
            import httpx
        except ModuleNotFoundError:
            raise ConfigError(
                "Client needs the package httpx; pip install 'dressform[serve]'"
            ) from None
        key = key or os.environ.get(KEY_VARIABLE)
        if not key:
            raise ConfigError(f"there is no key; give key='df_…', or set {KEY_VARIABLE}")
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"url is {url!r}; allowed: http://HOST:PORT or https://HOST")
        if not timeout > 0:
            raise ConfigError(f"timeout is {timeout!r}; allowed: above 0 seconds")
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def projects(self) -> list[ServiceProject]:
        """All projects, newest first.

        Raises:
            ServiceError: the key does not allow it.
            ResourceError: the service cannot be reached.
        """
        found = self.request("GET", "/projects")["projects"]
        return [ServiceProject(self, one["id"], one["name"]) for one in found]

    def project(self, name: str) -> ServiceProject:
        """A project by its name or id.

        Raises:
            ConfigError: there is none.
            ServiceError: the key does not allow it.
            ResourceError: the service cannot be reached.
        """
        found = self.projects()
        for project in found:
            if name in (project.id, project.name):
                return project
        names = ", ".join(project.name for project in found) or "none"
        raise ConfigError(f"there is no project {name!r}; available: {names}")

    def create_project(
        self, name: str = "", classes: Sequence[str] = (), *, budget: float = 600.0
    ) -> ServiceProject:
        """Create a project.

        Args:
            name: unique; empty: ``Project n``.
            classes: in order; more are made as images with new labels come.
            budget: seconds of a training, 30 to 86,400.

        Raises:
            ServiceError: the service refuses it.
            ResourceError: the service cannot be reached.
        """
        body = {"name": name, "classes": list(classes), "budget": budget}
        found = self.request("POST", "/projects", json=body)
        return ServiceProject(self, found["id"], found["name"])

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Any request below ``/api/v1``; its JSON document, or None where there is none.

        Args:
            method: such as ``GET``.
            path: such as ``/projects``.
            **options: of ``httpx.Client.request``, such as ``json`` and ``params``.

        Raises:
            ServiceError: the service refuses it.
            ResourceError: the service cannot be reached, or answers too late.
        """
        answer = self._answer(method, path, **options)
        return answer.json() if answer.content else None

    def download(self, path: str, out: str | Path) -> Path:
        """Save what is at a path below ``/api/v1`` as a file.

        Raises:
            ServiceError: the service refuses it.
            ResourceError: the service cannot be reached, or the file cannot be written.
        """
        target = user_path(out)
        try:
            target.write_bytes(self._answer("GET", path).content)
        except OSError as error:
            raise ResourceError(f"{target} cannot be written: {error.strerror}") from None
        return target

    def events(self, path: str) -> Iterator[tuple[str, Any]]:
        """Server-sent events, as (name, data), until ``end``; a broken connection is continued.

        Raises:
            ServiceError: the service refuses it.
            ResourceError: the service cannot be reached.
        """
        import httpx

        last, failures = "0", 0
        while True:
            try:
                with self._http.stream("GET", path, headers={"Last-Event-ID": last}) as answer:
                    if answer.is_error:
                        answer.read()
                        raise _error(answer)
                    failures = 0
                    for number, name, data in _events(answer.iter_lines()):
                        last = number
                        yield name, data
                        if name == "end":
                            return
            except httpx.TransportError as error:
                failures += 1
                if failures > RETRIES:
                    raise self._unreachable(error) from None
                time.sleep(1)

    def _answer(self, method: str, path: str, **options: Any) -> "httpx.Response":
        import httpx

        try:
            answer = self._http.request(method, path, **options)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None
        if answer.is_error:
            raise _error(answer)
        return answer

    def _unreachable(self, error: Exception) -> ResourceError:
        reason = str(error) or type(error).__name__
        return ResourceError(
            f"{self.url} cannot be reached ({reason}); is dressform serve running?"
        )


def _error(answer: "httpx.Response") -> ServiceError:
    try:
        message = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        message = f"{answer.url} answers {answer.status_code}; is it a dressform service?"
    return ServiceError(message, answer.status_code)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """Number, name and data of each event."""
    fields_of: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields_of[name] = value.removeprefix(" ")
        elif "data" in fields_of:
            yield fields_of.get("id", "0"), fields_of["event"], json.loads(fields_of["data"])
            fields_of = {}
