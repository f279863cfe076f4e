"""A tenant's project with one of everything."""

from dataclasses import dataclass

from dressform.service.database.tables import Event, Image, Job, Model
from dressform.service.keys import create_key
from dressform.service.projects import add_image, category_of, create_project
from dressform.service.uploads import decoded
from tests.service.http.bodies import picture
from tests.service.http.conftest import Live


@dataclass(frozen=True)
class Owned:
    """Identifiers, by the names that paths give them."""

    project_id: str
    class_id: str
    image_id: str
    job_id: str
    model_id: str
    key_id: str
    version: int = 1


def owned(live: Live, tenant: str) -> Owned:
    """A project whose second version is promoted; no version has files."""
    caller, service = live.callers[tenant, "admin"], live.service
    upload = decoded(service, "a.png", picture())
    with service.database.transaction() as session:
        project = create_project(session, caller, "", ["Hat"], service.settings)
        category = category_of(session, project, "Hat")
        add_image(session, service.store, project, upload, category, service.settings)
        image = session.query(Image).where(Image.project_id == project.id).one()
        models = [
            Model(project_id=project.id, version=version, state="ready") for version in (1, 2)
        ]
        session.add_all(models)
        session.flush()
        project.promoted_id = models[1].id
        job = Job(project_id=project.id, model_id=models[0].id, state="succeeded")
        session.add(job)
        session.flush()
        session.add(Event(job_id=job.id, data={"epoch": 1}))
        key, _ = create_key(session, caller.tenant_id, "spare", "predict")
        return Owned(project.id, category.id, image.id, job.id, models[0].id, key.id)
