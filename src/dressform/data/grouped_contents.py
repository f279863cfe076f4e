"""`with_groups`: groups of examples by a pattern for their names, or by what a reader found."""

import dataclasses

from dressform.data.contents import Contents
from dressform.data.groups import groups_from_names, groups_from_values


def with_groups(contents: Contents, pattern: str | None) -> Contents:
    """The same examples in groups; those without any are groups of their own.

    Args:
        contents: whose parts may have groups, empty where a row has none.
        pattern: a regular expression for the names, or None.

    Raises:
        ConfigError: the pattern, or a column of groups, gives no groups.
    """
    parts = contents.parts
    ids = [name for part in parts.values() for name in part.ids]
    by = contents.grouped_by
    if pattern is not None:
        groups, notes = groups_from_names(ids, pattern)
        by = f"pattern {pattern}"
    elif any(part.groups is not None for part in parts.values()):
        by = by or "the data's own groups"
        values = [g for p in parts.values() for g in p.groups or [""] * len(p.ids)]
        groups, notes = groups_from_values(ids, values, by)
    else:
        return contents
    texts, start, grouped = groups.tolist(), 0, {}
    for split, part in parts.items():
        grouped[split] = dataclasses.replace(part, groups=texts[start : start + len(part.ids)])
        start += len(part.ids)
    return dataclasses.replace(
        contents, parts=grouped, notes=(*contents.notes, *notes), grouped_by=by
    )
