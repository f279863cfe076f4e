"""`Folder`: a folder of a tree of files, and what lies below it."""

from dataclasses import dataclass, field

from dressform.data.file_tree import File, FileTree


@dataclass(eq=False)
class Folder:
    """A folder of a tree.

    Attributes:
        path: below the tree's root; empty for the root.
        images: directly in it.
        others: files directly in it that are no images.
        folders: name -> sub-folder; see :meth:`with_images`.
    """

    path: str
    images: list[File] = field(default_factory=list)
    others: list[File] = field(default_factory=list)
    folders: "dict[str, Folder]" = field(default_factory=dict)
    _has_images: bool | None = None

    @property
    def has_images(self) -> bool:
        """Whether it holds images at any depth."""
        if self._has_images is None:
            inside = any(folder.has_images for folder in self.folders.values())
            self._has_images = bool(self.images) or inside
        return self._has_images

    def with_images(self) -> "dict[str, Folder]":
        """The sub-folders that hold images at any depth."""
        return {name: folder for name, folder in self.folders.items() if folder.has_images}

    def all_images(self) -> list[File]:
        """All images below, those of sub-folders last."""
        return [*self.images, *(f for sub in self.folders.values() for f in sub.all_images())]

    def all_others(self) -> list[File]:
        """All files below that are no images."""
        return [*self.others, *(f for sub in self.folders.values() for f in sub.all_others())]


def folder_of(tree: FileTree) -> Folder:
    """The root of a tree as a :class:`Folder`."""
    root = Folder("")
    for file in tree.files:
        folder = root
        for part in file.parts[:-1]:
            path = f"{folder.path}/{part}" if folder.path else part
            folder = folder.folders.setdefault(part, Folder(path))
        (folder.images if file.is_image else folder.others).append(file)
    return root
