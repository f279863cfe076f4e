"""The table that a training reads."""

from pathlib import Path

import pytest

import dressform
from dressform.service.database.connection import Database
from dressform.service.keys import Caller
from dressform.service.projects import create_project
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.training import labelled_images, lay_out
from tests.service.shop import add_images

NAMES = ["@home", "-", "=a", 'it\'s, "new"']
"""Some that a spreadsheet would take for formulas."""


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_classes_have_the_names_that_people_gave_them(
    database: Database, store: Store, caller: Caller, settings: ServiceSettings, tmp_path: Path
) -> None:
    with database.transaction() as session:
        project = create_project(session, caller, "", NAMES, settings)
    for number, name in enumerate(NAMES):
        few = {"label": name, "count": 4, "kind": number % 2, "first": 4 * number}
        add_images(database, store, project, settings, **few)
    with database.reading() as session:
        listing = lay_out(tmp_path, labelled_images(session, project.id), store)
    splits = dressform.load_data(listing)
    assert set(splits.train.class_names) == set(NAMES)
