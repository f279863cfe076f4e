"""Workers and the process of a training: who does a job, and what becomes of it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from dressform.core.errors import ResourceError
from dressform.service import queue
from dressform.service import worker as workers
from dressform.service.database.connection import Database
from dressform.service.database.tables import Event, Image, Job, Project, utc_now
from dressform.service.errors import BusyError, ConflictError
from dressform.service.keys import Caller
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.training import Example, missing_of, split_of
from dressform.service.training_result import report_of, weights_of
from dressform.service.worker import Worker
from tests.clocks import set_time
from tests.kills import wait_until
from tests.service.ending import ends
from tests.service.shop import add_images, job_of, models_of, request, shop

FAKE = Path(__file__).with_name("fake_training.py")
SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


def doing(*words: str) -> Callable[[Path], Sequence[str]]:
    return lambda folder: (sys.executable, str(FAKE), str(folder), *words)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(workers, "TELL_EVERY", 0.05)


@pytest.fixture
def own(database: Database, store: Store, caller: Caller, settings: ServiceSettings) -> Project:
    return shop(database, store, caller, settings)


@contextmanager
def working(worker: Worker) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=worker.work_once, daemon=True)
    thread.start()
    yield thread
    worker.stop()
    ends(thread)


def folder_of(store: Store, own: Project) -> Path:
    return store.model_folder(own.id, 1)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def pids_of(folder: Path) -> list[int]:
    wait_until((folder / "hangs").exists, deadline=30)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def gone(pids: list[int]) -> bool:
    """Whether processes have ended; the system takes a moment to clear the killed away."""
    end = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(alive, pids))


def test_a_killed_training_goes_on_and_its_model_is_promoted(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    job_id = request(database, own, settings)
    worker = Worker(database, store, settings, "one", doing("die", "full", "nothing", "succeed"))
    reasons = []
    for _ in range(4):
        time.sleep(0.01)
        assert worker.work_once()
        reasons.append(job_of(database, job_id).error)
    assert reasons == [
        "the training process was ended by SIGKILL; is there enough memory?",
        "No space left on device",
        "the training process ended without a result",
        None,
    ]
    job, (model,) = job_of(database, job_id), models_of(database, own)
    assert (job.state, job.attempts) == ("succeeded", 4)
    assert (model.state, model.recipe, model.classes) == (
        "ready",
        "fast",
        {"names": ["Dark", "Light"]},
    )
    assert model.scores == {
        "accuracy": 0.9,
        "low": 0.8,
        "high": 0.95,
        "protocol": "4 held-out images",
        "held_out": 4,
    }
    assert 0 < model.size < 10_000
    with database.reading() as session:
        assert session.get_one(Project, own.id).promoted_id == model.id
        told = [event.data for event in session.scalars(select(Event).order_by(Event.id))]
    assert [line["state"] for line in told if "state" in line] == ["queued"] * 3 + ["succeeded"]
    assert any(line.get("epoch") == 3 for line in told)
    folder = folder_of(store, own)
    assert weights_of(store, own.id, 1) == (folder / "runs" / "seed0").resolve()
    assert report_of(store, own.id, 1).exists()
    assert not (folder / "images").exists()
    assert not worker.work_once()


def test_a_training_that_always_dies_fails(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    job_id = request(database, own, settings)
    few = replace(settings, attempts=2)
    worker = Worker(database, store, few, "one", doing("die"))
    assert worker.work_once()
    time.sleep(0.01)
    assert worker.work_once()
    job, (model,) = job_of(database, job_id), models_of(database, own)
    assert (job.state, model.state) == ("failed", "failed")
    assert job.error == (
        "2 attempts, the last: the training process was ended by SIGKILL; is there enough memory?"
    )
    assert [path.name for path in folder_of(store, own).iterdir()] == ["training.log"]


def test_a_refused_training_fails_at_once_with_its_reason(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    job_id = request(database, own, settings)
    Worker(database, store, settings, "one", doing("refuse")).work_once()
    job = job_of(database, job_id)
    assert (job.state, job.attempts) == ("failed", 1)
    assert job.error is not None
    assert "\n" not in job.error
    assert job.error.startswith("there are")
    with pytest.raises(ResourceError, match="the files of version 1 are missing or damaged"):
        weights_of(store, own.id, 1)


def test_too_few_images_are_refused_with_what_is_missing(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    assert missing_of({"Hat": 3, "Shoe": 10, "Bag": 0, "Tie": 1}) == (
        "Hat has 3 labelled images, 7 are missing; Tie has 1 labelled image, 9 are missing; "
        "every class needs 10"
    )
    assert missing_of({"Hat": 30}) == (
        "1 class with labelled images; a training needs 2 or more, each with 10 or more images"
    )
    job_id = request(database, own, settings)
    with pytest.raises(ConflictError, match="is on its way; wait, or cancel it"):
        request(database, own, settings)
    with database.transaction() as session:  # deleted before the training begins
        session.delete(session.scalars(select(Image)).first())
    Worker(database, store, settings, "one", doing("succeed")).work_once()
    job = job_of(database, job_id)
    assert job.state == "failed"
    assert job.error == "Dark has 9 labelled images, 1 is missing; every class needs 10"
    with pytest.raises(ConflictError, match="Dark has 9 labelled images"):
        request(database, own, settings)


def test_cancelling_ends_the_process_and_all_its_children(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    job_id = request(database, own, settings)
    quick = replace(settings, lease=0.3)
    with working(Worker(database, store, quick, "one", doing("hang"))) as thread:
        pids = pids_of(folder_of(store, own))
        with database.transaction() as session:
            queue.cancel(session, session.get_one(Job, job_id))
        thread.join(20)
        assert job_of(database, job_id).state == "cancelled"
    assert gone(pids)


def test_a_lost_lease_ends_the_process_and_writes_nothing(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    job_id = request(database, own, settings)
    quick = replace(settings, lease=0.3)
    with working(Worker(database, store, quick, "one", doing("hang"))) as thread:
        pids = pids_of(folder_of(store, own))
        with database.transaction() as session:
            changed = {"worker": "two", "lease_until": utc_now().replace(year=2100)}
            session.execute(update(Job).values(changed))
        thread.join(20)
    job = job_of(database, job_id)
    assert (job.state, job.worker) == ("running", "two")
    assert gone(pids)


def test_a_worker_that_stops_gives_its_job_back(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    job_id = request(database, own, settings)
    with working(Worker(database, store, settings, "one", doing("hang", "succeed"))):
        pids = pids_of(folder_of(store, own))
    job = job_of(database, job_id)
    assert (job.state, job.attempts, job.worker, job.error) == ("queued", 0, None, None)
    assert gone(pids)
    Worker(database, store, settings, "two", doing("hang", "succeed")).work_once()
    assert job_of(database, job_id).state == "succeeded"


def test_a_deleted_project_ends_its_training(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    request(database, own, settings)
    quick = replace(settings, lease=0.3)
    with working(Worker(database, store, quick, "one", doing("hang"))) as thread:
        pids_of(folder_of(store, own))
        with database.transaction() as session:
            session.delete(session.get_one(Project, own.id))
        thread.join(20)
        assert not thread.is_alive()


def test_a_database_that_is_gone_for_a_while_loses_nothing(
    database: Database,
    store: Store,
    settings: ServiceSettings,
    own: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = request(database, own, settings)
    worker = Worker(database, store, settings, "one", doing("succeed"))
    inner, gone = database.transaction, [0]

    @contextmanager
    def sometimes() -> Iterator[object]:
        gone[0] += 1
        if 2 <= gone[0] <= 4:  # after the lease
            raise ResourceError("the database does not answer: it is restarted")
        with inner() as session:
            yield session

    monkeypatch.setattr(database, "transaction", sometimes)
    set_time(monkeypatch, workers, sleep=lambda seconds: None)
    worker.work_once()
    assert gone[0] >= 5
    assert job_of(database, job_id).state == "succeeded"


def test_a_finished_training_that_nobody_wrote_down_is_not_done_again(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    job_id = request(database, own, settings)
    Worker(database, store, settings, "one", doing("succeed")).work_once()
    with database.transaction() as session:  # as if the database had been gone for longer
        values = {"state": "running", "worker": "one", "lease_until": utc_now()}
        session.execute(update(Job).values(values))
    Worker(database, store, settings, "two", doing("die")).work_once()
    job = job_of(database, job_id)
    assert (job.state, job.attempts) == ("succeeded", 2)


def test_a_full_queue_says_when_to_come_back(
    database: Database, store: Store, caller: Caller, settings: ServiceSettings, own: Project
) -> None:
    request(database, own, settings)
    other = shop(database, store, caller, settings)
    with pytest.raises(BusyError, match="1 training waits, which is the limit") as caught:
        request(database, other, replace(settings, max_queue=1))
    assert caught.value.retry_after > 0


@SQLITE
def test_a_training_dies_with_its_worker(
    database: Database, store: Store, settings: ServiceSettings, own: Project, tmp_path: Path
) -> None:
    """The process of the real training, whose worker is killed while it waits for its folder."""
    folder = tmp_path / "job"
    folder.mkdir()
    code = (
        "import sys; from pathlib import Path\n"
        "from dressform.core.files import exclusive\n"
        "from dressform.service.training_process import TrainingProcess, train_command\n"
        "folder = Path(sys.argv[1])\n"
        "with exclusive(folder / 'lock'):\n"
        "    process = TrainingProcess(train_command(folder), folder)\n"
        "    print(process._process.pid, flush=True)\n"
        "    process.next(600)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    assert alive(pid)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    wait_until(lambda: not alive(pid), deadline=30)


def test_images_stay_on_their_side_from_version_to_version() -> None:
    few = [Example(f"{i:064x}", "PNG", "Dark" if i % 2 else "Light") for i in range(60)]
    before, after = split_of(few[:40]), split_of(few)
    moved = [key for key in before if before[key] != after[key]]
    assert len(moved) <= 2  # only those that were held out to have two of a class
    for label in ("Dark", "Light"):
        held = [e for e in few if e.label == label and after[e.sha256] == "validation"]
        assert 2 <= len(held) <= 10
        assert os.path.basename(few[0].file).endswith(".png")  # noqa: PTH119


def test_new_images_get_suggestions_while_the_worker_is_idle(
    database: Database, store: Store, settings: ServiceSettings, own: Project
) -> None:
    """A model that cannot be opened gives none, and is not asked again at once."""
    request(database, own, settings)
    worker = Worker(database, store, settings, "one", doing("succeed"))
    worker.work_once()
    add_images(database, store, own, settings, label=None, count=1, kind=1, first=90)
    assert worker._between() is False
    assert own.id in worker._suggest_again
