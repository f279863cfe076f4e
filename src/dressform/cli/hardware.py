"""``dressform hardware``."""

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, print_table


def hardware(
    remeasure: bool = typer.Option(
        False, "--remeasure", help="Decide anew whether bfloat16 is quick here."
    ),
    as_json: bool = Json,
) -> None:
    """Show what trainings run on, and in which precision.

    Whether precision=auto is bfloat16 is measured once for each processor and kept, so that the
    same command gives the same weights, however busy the machine is.
    """
    from dataclasses import asdict

    import torch

    from dressform.runs.manifest import hardware as machine
    from dressform.training import precision

    found = precision.remeasure() if remeasure else precision.decision()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    if as_json:
        print_json(
            {**machine(), "gpu": gpu, "precision": asdict(found), "file": str(precision.place())}
        )
        return
    quick = found.bfloat16_seconds
    times = (
        "no instruction for bfloat16"
        if quick is None
        else f"a product takes {1e3 * found.float32_seconds:.2f} ms in float32 and "
        f"{1e3 * quick:.2f} ms in bfloat16"
    )
    facts = machine()
    print_table(
        ("hardware", ""),
        [
            *((name, str(facts[name])) for name in ("processor", "cores", "system")),
            ("GPU", gpu or "none"),
            (
                "precision=auto",
                f"{'bfloat16' if found.bfloat16 else 'float32'} on the processor: {times}",
            ),
            ("decided", f"{found.decided}, with torch {found.torch}"),
            ("kept in", str(precision.place())),
        ],
    )
