"""One side of serve.py: dressform's server with one model.

python benchmarks/serve_dressform.py MODEL_FOLDER STORAGE PORT

Prints the path to post images to and the key, and serves.
"""

import json
import sys
from pathlib import Path

from placed_model import place_model

from dressform.service.database.connection import Database
from dressform.service.database.migrate import upgrade
from dressform.service.database.tables import Project, Tenant
from dressform.service.http.app import create_app
from dressform.service.keys import create_key
from dressform.service.server import Server, listen
from dressform.service.service import Service
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store


def main() -> None:
    """Serve until the process is ended."""
    weights, storage, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    settings = ServiceSettings(storage=storage, port=port)
    store, database = Store(storage), Database(settings.database_url)
    upgrade(database)
    with database.transaction() as session:
        tenant = Tenant(name="benchmark")
        session.add(tenant)
        session.flush()
        project = Project(tenant_id=tenant.id, name="benchmark")
        session.add(project)
        session.flush()
        _, secret = create_key(session, tenant.id, "benchmark", "predict")
    place_model(database, store, project.id, weights)
    path = f"/api/v1/projects/{project.id}/predict"
    print(json.dumps({"path": path, "authorization": f"Bearer {secret}"}), flush=True)
    service = Service(database=database, store=store, settings=settings)
    app = create_app(service)
    with listen(settings) as connection:
        Server(app).run(sockets=[connection])


main()
