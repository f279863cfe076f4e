"""``dressform hardware``."""

from typing import Any

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json
from dressform.cli.table import print_table


def hardware(
    remeasure: bool = typer.Option(
        False, "--remeasure", help="Measure again whether bfloat16 is fast here."
    ),
    as_json: bool = Json,
) -> None:
    """Show the hardware and precision used for training.

    precision=auto uses bfloat16 where it is clearly faster. This is measured once per CPU and
    cached, so the same command gives the same weights however busy the machine is.
    """
    from dressform.workbench.catalogue import hardware as machine

    facts: dict[str, Any] = machine(remeasure=remeasure)
    if as_json:
        print_json(facts)
        return
    precision = facts["precision"]
    bfloat16 = precision["bfloat16_seconds"]
    times = (
        "the CPU has no bfloat16 instructions"
        if bfloat16 is None
        else f"a product takes {1e3 * precision['float32_seconds']:.2f} ms in float32 and "
        f"{1e3 * bfloat16:.2f} ms in bfloat16"
    )
    chosen = "bfloat16" if precision["bfloat16"] else "float32"
    print_table(
        ("hardware", ""),
        [
            *((name, str(facts[name])) for name in ("processor", "cores", "system")),
            ("GPU", facts["gpu"] or "none"),
            ("precision=auto", f"{chosen} on the CPU: {times}"),
            ("measured", f"{precision['decided']}, with torch {precision['torch']}"),
            ("cached in", facts["file"]),
        ],
        shorten=(),
        wrap=(1,),
    )
