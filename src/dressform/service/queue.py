"""The queue of trainings: workers lease jobs from the database, renew the lease while they work,
and lose it when they die.
"""

from datetime import timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from dressform.core.text import counted, one_line
from dressform.service.database.tables import Document, Event, Job, Model, utc_now
from dressform.service.errors import BusyError

FIRST_WAIT, MAX_WAIT = 1.0, 60.0
"""Seconds before a job whose training died is begun again: after the first time, and at most."""
ENDED = ("succeeded", "failed", "cancelled")


def enqueue(session: Session, project_id: str, model_id: str, *, most: int) -> Job:
    """Ask for a training.

    Args:
        session: of a transaction.
        project_id: whose images.
        model_id: the model that it makes.
        most: trainings that may wait.

    Raises:
        BusyError: so many wait already.
    """
    waiting = session.scalar(select(func.count()).select_from(Job).where(Job.state == "queued"))
    if (waiting or 0) >= most:
        wait = "training waits" if waiting == 1 else "trainings wait"
        raise BusyError(f"{waiting} {wait}, which is the limit; try again later", retry_after=60)
    job = Job(project_id=project_id, model_id=model_id)
    session.add(job)
    session.flush()
    return job


def has_waiting_job(session: Session) -> bool:
    """Whether a job waits for a worker."""
    return session.scalar(select(Job.id).where(Job.state == "queued").limit(1)) is not None


def lease(session: Session, worker: str, seconds: float, *, attempts: int) -> Job | None:
    """Take the oldest job that waits, or whose worker has not renewed its lease.

    Args:
        session: of a transaction.
        worker: name of the worker.
        seconds: until the lease ends, unless it is renewed.
        attempts: after so many beginnings a job has failed.

    Returns:
        the job, now running; None if there is nothing to do.
    """
    now = utc_now()
    over = Job.lease_until < now
    free = or_(
        (Job.state == "queued") & (Job.lease_until.is_(None) | over),
        (Job.state == "running") & over,
    )
    candidates = (
        select(Job)
        .where(free)
        .order_by(Job.created, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while (job := session.scalar(candidates)) is not None:
        if job.cancel:
            end(session, job, "cancelled")
        elif job.attempts >= attempts:
            times = counted(job.attempts, "time")
            end(session, job, "failed", job.error or f"the worker of this training died {times}")
        else:
            job.state, job.worker = "running", worker
            job.attempts += 1
            job.lease_until = now + timedelta(seconds=seconds)
            job.started = job.started or now
            job.error = None
            session.flush()
            return job
        session.flush()
    return None


def renew(session: Session, job_id: str, worker: str, seconds: float) -> bool | None:
    """Keep a job.

    Returns:
        whether it is to go on: False if it was cancelled; None if the lease was lost to another
        worker, which has the job now.
    """
    renewed = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.worker == worker, Job.state == "running")
        .values(lease_until=utc_now() + timedelta(seconds=seconds))
        .returning(Job.cancel)
    ).first()
    return None if renewed is None else not renewed[0]


def report_progress(session: Session, job: Job, progress: Document) -> None:
    """Tell those who follow a job how far it is."""
    job.progress = {**job.progress, **progress}
    session.add(Event(job_id=job.id, data=progress))


def give_back(
    session: Session, job: Job, error: str | None = None, *, attempts: int, counts: bool = True
) -> None:
    """Let another worker, or the same one later, go on with a job.

    Args:
        session: of a transaction.
        job: that is running.
        error: why; it is kept for the case that it is the last one.
        attempts: after so many beginnings the job has failed.
        counts: whether this beginning is one of them; not where the worker itself was stopped.
            The next beginning waits the longer, the more there were, up to a minute.
    """
    job.attempts -= not counts
    if counts and job.attempts >= attempts:
        times = f"{job.attempts} attempts, the last: " if job.attempts > 1 else ""
        end(session, job, "failed", f"{times}{error}")
        return
    wait = timedelta(seconds=min(MAX_WAIT, FIRST_WAIT * 2 ** (job.attempts - 1)))
    job.state, job.worker = "queued", None
    job.lease_until = utc_now() + wait if counts else None
    job.error = None if error is None else one_line(error)[:1500]
    session.add(Event(job_id=job.id, data={"state": "queued", "error": job.error}))


def end(session: Session, job: Job, state: str, error: str | None = None) -> None:
    """Note that a job has ended, and what became of its model unless it succeeded.

    Args:
        session: of a transaction.
        job: still queued or running.
        state: ``succeeded``, ``failed`` or ``cancelled``.
        error: why, of a failed one.
    """
    job.state, job.finished, job.lease_until = state, utc_now(), None
    job.error = None if error is None else one_line(error)[:1500]
    if state != "succeeded":
        model = session.get(Model, job.model_id)
        if model is not None:
            model.state = "failed"
    session.add(Event(job_id=job.id, data={"state": state, "error": job.error}))


def cancel(session: Session, job: Job) -> None:
    """Ask a job to stop; one that waits ends at once."""
    if job.state == "queued":
        end(session, job, "cancelled")
    elif job.state == "running":
        job.cancel = True
