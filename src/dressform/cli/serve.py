"""``dressform serve``, ``worker``, ``backup`` and ``restore``: the service."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say
from dressform.core.errors import ConfigError, DressformError, ResourceError

if TYPE_CHECKING:
    from dressform.service.settings import ServiceSettings

DEFAULT_STORAGE = Path("dressform-service")
NEEDED = ("alembic", "fastapi", "httptools", "multipart", "prometheus_client", "uvicorn")

Storage = typer.Option(
    DEFAULT_STORAGE, "--storage", help="Folder of images, models and, by default, the database."
)
Db: Any = typer.Option(
    None,
    "--db",
    envvar="DRESSFORM_DB",
    show_envvar=True,
    help="URL of a PostgreSQL database: postgresql://USER@HOST/NAME. Default: SQLite in --storage.",
)


def serve(
    host: str = typer.Option(
        "127.0.0.1", help="Address to listen on; 0.0.0.0 for all, behind a proxy with TLS."
    ),
    port: int = typer.Option(8000, help="Port to listen on; 0 for a free one."),
    storage: Path = Storage,
    db: str | None = Db,
    workers: int = typer.Option(
        1, help="Trainings at a time on this machine; 0 if dressform worker runs elsewhere."
    ),
    public_url: str | None = typer.Option(
        None, help="How clients reach the service, where a proxy stands before it."
    ),
    max_storage: float = typer.Option(
        50.0, help="GiB of images and models; uploads and trainings beyond are refused."
    ),
    keep_versions: int = typer.Option(
        10, help="Models of a project that are kept besides the promoted one."
    ),
    allow_urls: bool = typer.Option(
        False, "--allow-urls", help="Let clients have images fetched by URL."
    ),
    check: bool = typer.Option(
        False, "--check", help="Check database, storage and every file, and exit."
    ),
    as_json: bool = Json,
) -> None:
    """Train and predict by a page and by HTTP, on this machine.

    Prints the address with a link that signs in, and once, at the first start, the admin key.
    Stops at Ctrl-C; trainings go on at the next start.
    """
    _need_extra()
    from dressform.service.settings import ServiceSettings

    settings = ServiceSettings(
        host=host,
        port=port,
        storage=storage,
        database=db,
        workers=workers,
        public_url=public_url,
        max_storage=int(max_storage * 2**30),
        keep_versions=keep_versions,
        allow_urls=allow_urls,
    )
    if check:
        _check(settings, as_json=as_json)
    else:
        _serve(settings, as_json=as_json)


def worker(storage: Path = Storage, db: str | None = Db) -> None:
    """Train for a service of the same --storage and --db, on this machine or another one."""
    _need_extra()
    from dressform.service.database.connection import Database
    from dressform.service.database.migrate import newest, revision
    from dressform.service.logs import log_to_stderr
    from dressform.service.settings import ServiceSettings
    from dressform.service.worker_process import run_worker

    settings = ServiceSettings(storage=storage, database=db)
    _need_service(settings)
    database = Database(settings.database_url)
    try:
        current, head = revision(database), newest(database)
    finally:
        database.close()
    if current != head:
        raise ConfigError(
            f"the database has revision {current or 'none'}, this version of dressform needs "
            f"{head}; start dressform serve of this version first"
        )
    log_to_stderr()
    run_worker(settings)


def backup(
    file: Path = typer.Argument(help="The tar file to write."),
    storage: Path = Storage,
    db: str | None = Db,
) -> None:
    """Write a service, which may be running, to one file: accounts, images, models."""
    _need_extra()
    from dressform.service.backup import back_up
    from dressform.service.settings import ServiceSettings

    left_out = back_up(ServiceSettings(storage=storage, database=db), file)
    for line in left_out:
        say(f"note: left out: {line}")
    print(f"{file}: {file.stat().st_size:,} bytes")


def restore(
    file: Path = typer.Argument(help="The tar file of dressform backup."),
    storage: Path = Storage,
    db: str | None = Db,
) -> None:
    """Make a service from a backup, in an empty --storage and --db."""
    _need_extra()
    from dressform.service.backup import restore as restore_backup
    from dressform.service.settings import ServiceSettings

    for line in restore_backup(ServiceSettings(storage=storage, database=db), file):
        print(line)


def _check(settings: "ServiceSettings", *, as_json: bool) -> None:
    from dressform.service.operations import check

    findings = check(settings)
    if as_json:
        print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            print(f"{'ok' if finding.ok else 'NO':3}{finding.name:10}{finding.message}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _serve(settings: "ServiceSettings", *, as_json: bool) -> None:
    import contextlib
    import secrets
    import signal
    import sys

    from dressform.service.http.app import create_app
    from dressform.service.logs import log_to_stderr
    from dressform.service.operations import admin_key, opened
    from dressform.service.server import Server, address_of, listen
    from dressform.service.service import Service
    from dressform.service.supervisor import Supervisor

    with opened(settings) as (database, store), listen(settings) as connection:
        key, sign_in = admin_key(database), secrets.token_urlsafe(32)
        service = Service(database=database, store=store, settings=settings)
        app = create_app(service, sign_in=sign_in)
        server = Server(app, proxied=settings.public_url is not None)
        url = settings.public_url or address_of(connection)
        link = f"{url.rstrip('/')}/#signin={sign_in}"
        if as_json:
            print_json({"url": url, "admin_key": key, "sign_in": link})
        else:
            print(f"sign in    {link}")
            if key is not None:
                print(f"admin key  {key}  (shown only now; for scripts)")
            print(f"storage    {settings.storage}", flush=True)
        sys.stdout.flush()
        log_to_stderr()

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        # uvicorn hands the signal on when it has stopped; SIGTERM would end the process at once.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        supervisor = Supervisor(settings)
        supervisor.start()
        try:
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[connection])
        finally:
            supervisor.stop()
        if not server.started:
            raise ResourceError("the server did not start; its log says why")


def _need_extra() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise DressformError(
            f"the service needs {', '.join(missing)}; pip install 'dressform[serve]'"
        )


def _need_service(settings: "ServiceSettings") -> None:
    if not settings.storage.is_dir():
        raise ConfigError(
            f"{settings.storage} does not exist; give the --storage of dressform serve"
        )
