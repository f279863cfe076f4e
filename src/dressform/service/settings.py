"""`ServiceSettings`: where the service listens, what it keeps where, and its limits."""

from dataclasses import dataclass
from pathlib import Path

from dressform.core.config import require


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Everything that an operator decides.

    Attributes:
        host: address to listen on; others than loopback are reachable from outside.
        port: 0 for a free one.
        storage: folder of images, models and, by default, the database.
        database: URL as SQLAlchemy writes them; None for SQLite in ``storage``.
        workers: training processes on this machine; 0 for a server whose workers run elsewhere.
        max_upload: bytes of one request's body.
        max_image: bytes of one image.
        max_pixels: of one image.
        max_files: images in one request, or entries in one ZIP file.
        max_unpacked: bytes that a ZIP file may unpack to.
        max_images: of one project.
        max_projects: of one tenant.
        max_queue: trainings that may wait, of all tenants together.
        max_waiting: predictions that may wait for one model.
        max_storage: bytes of all images and models; uploads and trainings beyond are refused.
        keep_versions: models of a project that are kept besides the promoted one.
        lease: seconds that a worker has a job without renewing its lease.
        attempts: how often a job is begun before it counts as failed.
        request_timeout: seconds that a request may take, its upload included.
        allow_urls: whether the NanoNets-compatible protocol may fetch images by URL.
        public_url: how clients reach the service, where a proxy stands before it; None for
            ``http://host:port``.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    storage: Path
    database: str | None = None
    workers: int = 1
    max_upload: int = 200 * 2**20
    max_image: int = 20 * 2**20
    max_pixels: int = 64_000_000
    max_files: int = 20_000
    max_unpacked: int = 2 * 2**30
    max_images: int = 100_000
    max_projects: int = 1_000
    max_queue: int = 100
    max_waiting: int = 1_000
    max_storage: int = 50 * 2**30
    keep_versions: int = 10
    lease: float = 30.0
    attempts: int = 5
    request_timeout: float = 300.0
    allow_urls: bool = False
    public_url: str | None = None

    def __post_init__(self) -> None:
        require(0 <= self.port <= 65535, "port", self.port, "0 to 65535")
        require(0 <= self.workers <= 64, "workers", self.workers, "0 to 64")
        for name in (
            "max_upload",
            "max_image",
            "max_pixels",
            "max_files",
            "max_unpacked",
            "max_images",
            "max_projects",
            "max_queue",
            "max_waiting",
            "max_storage",
            "attempts",
        ):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        require(self.keep_versions >= 0, "keep_versions", self.keep_versions, "0 or more")
        require(self.lease > 0, "lease", self.lease, "above 0")
        require(self.request_timeout > 0, "request_timeout", self.request_timeout, "above 0")

    @property
    def database_url(self) -> str:
        """The URL that SQLAlchemy connects to."""
        return self.database or f"sqlite:///{(self.storage / 'service.db').resolve()}"
