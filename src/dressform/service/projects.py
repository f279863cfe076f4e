"""Projects, their classes and images: what every protocol and the page do, said once.

Every function takes the session of a transaction and the caller; what belongs to another tenant
does not exist for them.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from dressform.core.errors import ConfigError
from dressform.core.text import class_name
from dressform.service.database.tables import Category, Image, Model, Project, is_id, utc_now
from dressform.service.errors import ConflictError, FullError, LimitError, NotFoundError
from dressform.service.images import Upload
from dressform.service.keys import Caller
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store

MAX_NAME = 200
MAX_CLASSES = 1000


def projects_of(session: Session, caller: Caller) -> list[Project]:
    """All projects of the caller's tenant, newest first."""
    query = select(Project).where(Project.tenant_id == caller.tenant_id)
    return list(session.scalars(query.order_by(Project.created.desc(), Project.id)))


def project_of(session: Session, caller: Caller, project_id: str, *, lock: bool = False) -> Project:
    """A project.

    Args:
        session: to read with.
        caller: whose it has to be.
        project_id: as the client gives it.
        lock: whether other transactions that want to change it wait until this one ends, so that
            counts and names that were looked at stay true.

    Raises:
        NotFoundError: the caller's tenant has no such project.
    """
    project = (
        session.get(Project, project_id, with_for_update=lock or None)
        if is_id(project_id)
        else None
    )
    if project is None or project.tenant_id != caller.tenant_id:
        raise NotFoundError(f"there is no project {project_id!r}")
    return project


def create_project(
    session: Session,
    caller: Caller,
    name: str,
    categories: Iterable[str],
    settings: ServiceSettings,
    *,
    budget: float = 600.0,
) -> Project:
    """Create a project.

    Args:
        session: of a transaction.
        caller: whose it will be.
        name: 1 to 200 characters, unique for the tenant; empty: the next free ``Project n``.
        categories: names of classes, in order; more may come later.
        settings: the limits.
        budget: seconds of a training, 30 to 86,400.

    Raises:
        ConfigError: a name or the budget is out of range.
        ConflictError: the name is taken.
        LimitError: the tenant has as many projects as it may have.
    """
    own = projects_of(session, caller)
    if len(own) >= settings.max_projects:
        raise LimitError(f"there are {len(own):,} projects, which is the limit; delete one")
    taken = {project.name for project in own}
    if not name.strip():
        name = next(f"Project {n}" for n in range(1, len(own) + 2) if f"Project {n}" not in taken)
    name = checked_name("a project's name", name)
    if name in taken:
        raise ConflictError(f"there is a project {name!r} already; give another name")
    if not 30 <= budget <= 86_400:
        raise ConfigError(f"budget is {budget:g} seconds; allowed: 30 to 86,400")
    project = Project(tenant_id=caller.tenant_id, name=name, budget=budget)
    session.add(project)
    session.flush()
    categories_named(session, project, categories)
    return project


def rename_project(session: Session, caller: Caller, project: Project, name: str) -> None:
    """Give a project another name.

    Raises:
        ConfigError: the name is empty or too long.
        ConflictError: the name is taken.
    """
    name = checked_name("a project's name", name)
    if any(one.name == name and one.id != project.id for one in projects_of(session, caller)):
        raise ConflictError(f"there is a project {name!r} already; give another name")
    project.name = name


def categories_of(session: Session, project: Project) -> list[Category]:
    """The classes of a project, in order."""
    query = select(Category).where(Category.project_id == project.id)
    return list(session.scalars(query.order_by(Category.position, Category.name)))


def category_of(session: Session, project: Project, name: str, *, create: bool = False) -> Category:
    """A class by its name.

    Args:
        session: of a transaction.
        project: whose class.
        name: two spellings of one name in Unicode are one.
        create: whether a new one is made.

    Raises:
        NotFoundError: there is none, and none is made.
        ConfigError: the name is empty or too long, or there are too many.
    """
    if create:
        return categories_named(session, project, [name])[name]
    name = class_name(checked_name("a class's name", name))
    query = select(Category).where(Category.project_id == project.id, Category.name == name)
    found = session.scalar(query)
    if found is None:
        names = ", ".join(sorted(one.name for one in categories_of(session, project))) or "none"
        raise NotFoundError(f"{project.name} has no class {name!r}; it has {names}")
    return found


def categories_named(
    session: Session, project: Project, names: Iterable[str]
) -> dict[str, Category]:
    """Classes by their names as they are given; those that are new are made.

    Raises:
        ConfigError: a name is empty or too long, or there are too many.
    """
    known = {one.name: one for one in categories_of(session, project)}
    position = max((one.position for one in known.values()), default=-1)
    found = {}
    for given in names:
        name = class_name(checked_name("a class's name", given))
        if name not in known:
            if len(known) >= MAX_CLASSES:
                raise ConfigError(f"a project has at most {MAX_CLASSES:,} classes")
            position += 1
            known[name] = Category(project_id=project.id, name=name, position=position)
            session.add(known[name])
        found[given] = known[name]
    session.flush()
    return found


def create_category(session: Session, project: Project, name: str) -> Category:
    """Add a class.

    Raises:
        ConflictError: there is one of this name.
        ConfigError: the name is empty or too long, or there are too many.
    """
    _refuse_taken(session, project, name)
    return category_of(session, project, name, create=True)


def category_with_id(session: Session, project: Project, category_id: str) -> Category:
    """A class by its id.

    Raises:
        NotFoundError: the project has none.
    """
    category = session.get(Category, category_id) if is_id(category_id) else None
    if category is None or category.project_id != project.id:
        raise NotFoundError(f"{project.name} has no class with id {category_id!r}")
    return category


def rename_category(session: Session, project: Project, category: Category, name: str) -> None:
    """Give a class another name; models that were trained before keep the old one.

    Raises:
        ConflictError: there is one of this name.
        ConfigError: the name is empty or too long.
    """
    _refuse_taken(session, project, name, but=category)
    category.name = class_name(checked_name("a class's name", name))
    session.flush()


def _refuse_taken(
    session: Session, project: Project, name: str, but: Category | None = None
) -> None:
    name = class_name(checked_name("a class's name", name))
    if any(one.name == name and one is not but for one in categories_of(session, project)):
        raise ConflictError(f"{project.name} has a class {name!r} already; give another name")


@dataclass(frozen=True)
class Added:
    """What became of an uploaded image.

    Attributes:
        image: its row.
        is_new: whether it was not there before. The same image again keeps its label, unless one
            is given now.
    """

    image: Image
    is_new: bool


@dataclass
class Room:
    """How much a project may still take.

    Attributes:
        images: number.
        size: bytes.
    """

    images: int
    size: int


def room_of(session: Session, project: Project, settings: ServiceSettings) -> Room:
    """How much a project may still take. It is counted, which takes milliseconds where there are
    many images.
    """
    return Room(
        settings.max_images - image_count(session, project),
        settings.max_storage - stored_bytes(session),
    )


def add_image(
    session: Session,
    store: Store,
    project: Project,
    upload: Upload,
    category: Category | None,
    settings: ServiceSettings,
    *,
    room: Room | None = None,
) -> Added:
    """Add an image to a project. The bytes are on the disk before the row is.

    Args:
        session: of a transaction.
        store: of the service.
        project: to which it is added.
        upload: the image.
        category: its class, or None.
        settings: the limits.
        room: counted in this transaction; None: it is counted now. What is added is taken from it.

    Raises:
        LimitError: the project has as many images as it may have.
        FullError: the storage has reached its limit, or the disk is full.
    """
    digest = store.put(upload.content)
    query = select(Image).where(Image.project_id == project.id, Image.sha256 == digest)
    image = session.scalar(query)
    if image is not None:
        if category is not None and image.category_id != category.id:
            label_image(image, category)
        return Added(image, is_new=False)
    room = room_of(session, project, settings) if room is None else room
    if room.images < 1:
        most = f"{settings.max_images:,} images, which is the limit"
        raise LimitError(f"{project.name} has {most}; delete some, or raise max_images")
    if room.size < len(upload.content):
        raise storage_full(settings)
    image = Image(
        project_id=project.id,
        sha256=digest,
        name=upload.name,
        format=upload.format,
        width=upload.width,
        height=upload.height,
        size=len(upload.content),
    )
    if category is not None:
        label_image(image, category)
    session.add(image)
    session.flush()
    room.images -= 1
    room.size -= len(upload.content)
    return Added(image, is_new=True)


def storage_full(settings: ServiceSettings) -> FullError:
    """The error that all projects together have reached their limit."""
    return FullError(
        f"images and models take {settings.max_storage:,} bytes, which is the limit; delete some, "
        f"or raise the setting max_storage"
    )


def label_image(image: Image, category: Category | None) -> None:
    """Give an image a class, or take its class away."""
    for name, value in label_values(category).items():
        setattr(image, name, value)


def label_values(category: Category | None) -> dict[str, object]:
    """The columns of an image that its label changes."""
    values = dict.fromkeys(("suggested_id", "suggested_probability", "usefulness"))
    return values | {"category_id": category and category.id, "labelled": category and utc_now()}


def image_of(session: Session, project: Project, image_id: str) -> Image:
    """An image of a project.

    Raises:
        NotFoundError: it has no such image.
    """
    image = session.get(Image, image_id) if is_id(image_id) else None
    if image is None or image.project_id != project.id:
        raise NotFoundError(f"{project.name} has no image {image_id!r}")
    return image


def delete_image(session: Session, image: Image) -> None:
    """Take an image out of its project. Its bytes go at the next clean-up, if no other has them."""
    session.delete(image)


def delete_images(session: Session, project: Project, ids: Sequence[str]) -> int:
    """Take several images out of a project.

    Returns:
        number of the ids that it had.
    """
    deleted, at_once = 0, 500
    for start in range(0, len(ids), at_once):
        some = ids[start : start + at_once]
        found = session.scalars(
            delete(Image)
            .where(Image.project_id == project.id, Image.id.in_(some))
            .returning(Image.id)
        )
        deleted += len(found.all())
    return deleted


def delete_project(session: Session, project: Project) -> None:
    """Delete a project with its images and models, whose files are deleted after the
    transaction.
    """
    session.execute(delete(Project).where(Project.id == project.id))


def image_count(session: Session, project: Project) -> int:
    """Images of a project, labelled or not."""
    query = select(func.count()).select_from(Image).where(Image.project_id == project.id)
    return session.scalar(query) or 0


def stored_bytes(session: Session) -> int:
    """Bytes of all images and models of all projects; what two projects have counts twice."""
    images, models = (select(func.coalesce(func.sum(of.size), 0)) for of in (Image, Model))
    return int(session.scalar(images) or 0) + int(session.scalar(models) or 0)


def class_counts(session: Session, project: Project) -> dict[str, int]:
    """Labelled images of each class, by name, in the order of the classes."""
    query = (
        select(Category.name, func.count(Image.id))
        .outerjoin(Image, Image.category_id == Category.id)
        .where(Category.project_id == project.id)
        .group_by(Category.id)
        .order_by(Category.position, Category.name)
    )
    return dict(session.execute(query).all())


def checked_name(what: str, name: str) -> str:
    """A name of one line, in one Unicode spelling, without spaces around it.

    Raises:
        ConfigError: it is empty or too long, or has control characters.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= MAX_NAME:
        raise ConfigError(f"{what} has {len(name)} characters; allowed: 1 to {MAX_NAME}")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise ConfigError(f"{what} has a control character; leave it out")
    return name
