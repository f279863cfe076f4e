"""``dressform explore``."""

import contextlib
from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, say


def explore(
    run: Path = typer.Argument(help="The folder of a finished run."),
    split: str | None = typer.Option(
        None,
        "--split",
        help="Which pictures become points: test (default, if there is one), validation, train, "
        "or all.",
    ),
    out: Path | None = typer.Option(
        None, "--out", help="The HTML file. Default: explore.html in the run's folder."
    ),
    out_of_fold: Path | None = typer.Option(
        None,
        "--out-of-fold",
        help="A cross-validation that judges the labels of training pictures (--split train or "
        "all).",
    ),
    embedding: str = typer.Option(
        "features", "--embedding", help="features of the network's penultimate layer, or pixels."
    ),
    methods: str | None = typer.Option(
        None,
        "--methods",
        help="Besides PCA: tsne, umap, or both with a comma. Default: tsne, and umap where it is "
        "installed.",
    ),
    dimensions: str = typer.Option("2", "--dimensions", help="Of t-SNE and UMAP: 2, 3, or 2,3."),
    seed: int = typer.Option(0, "--seed", help="Of the projections."),
    data: str | None = typer.Option(
        None, "--data", help="The pictures, where they are elsewhere now: a name, or a path."
    ),
    image_size: int | None = typer.Option(
        None, "--image-size", help="Side in pixels for folders of mixed sizes."
    ),
    serve: bool = typer.Option(
        False, "--serve", help="Then serve the page to the browser on this machine, until Ctrl-C."
    ),
    port: int = typer.Option(0, "--port", help="Of --serve; 0 takes a free one."),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        help="file.py:function that made the run's network, if a file of yours did; it is run, "
        "for saliency.",
    ),
    as_json: bool = Json,
) -> None:
    """Write one page with every picture as a point.

    PCA, t-SNE and UMAP of what the network makes of them, with neighbours, search and lasso, beside
    the run's report. What takes long is kept in the run's folder and found there the next time.
    """
    from dressform.core.errors import ConfigError
    from dressform.report.exploration import (
        ProjectionOptions,
        default_methods,
        write_exploration,
    )
    from dressform.report.inspection import ReportOptions
    from dressform.report.local import local_server

    try:
        sides = [int(text) for text in dimensions.split(",")]
    except ValueError as error:
        raise ConfigError(f"--dimensions is {dimensions}; allowed: 2, 3, or 2,3") from error
    chosen = (
        default_methods()
        if methods is None
        else [text.strip() for text in methods.split(",") if text.strip()]
    )
    if serve:
        local_server(
            Path(), port
        ).server_close()  # tells now, not after the work, that the port cannot be had
    path = write_exploration(
        run,
        ReportOptions(split=split, data=data, image_size=image_size, recipe_file=recipe, say=say),
        ProjectionOptions(embedding=embedding, methods=chosen, dimensions=sides, seed=seed),
        out_of_fold=out_of_fold,
        out=out,
    )
    if as_json:
        print_json({"page": str(path), "bytes": path.stat().st_size})
    else:
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    if serve:
        with local_server(path, port) as server, contextlib.suppress(KeyboardInterrupt):
            say(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends)")
            server.serve_forever()
