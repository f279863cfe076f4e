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
        help="Which images become points: test (default, if there is one), validation, train, "
        "or all.",
    ),
    out: Path | None = typer.Option(
        None, "--out", help="The HTML file. Default: explore.html in the run's folder."
    ),
    out_of_fold: Path | None = typer.Option(
        None,
        "--out-of-fold",
        help="A cross-validation whose predictions check the training labels (--split train or "
        "all).",
    ),
    embedding: str = typer.Option(
        "features", "--embedding", help="features of the network's penultimate layer, or pixels."
    ),
    methods: str | None = typer.Option(
        None,
        "--methods",
        help="Methods besides PCA: tsne, umap, or tsne,umap. Default: tsne, and umap if it is "
        "installed.",
    ),
    dimensions: str = typer.Option(
        "2", "--dimensions", help="Dimensions of t-SNE and UMAP: 2, 3, or 2,3."
    ),
    seed: int = typer.Option(0, "--seed", help="Random seed for the projections."),
    data: str | None = typer.Option(
        None, "--data", help="The images, where they have moved: a name, or a path."
    ),
    serve: bool = typer.Option(False, "--serve", help="Serve the page on localhost until Ctrl-C."),
    port: int = typer.Option(0, "--port", help="Port for --serve; 0 picks a free one."),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        help="file.py:function that made the run's network, if a file of yours did; it is "
        "executed, "
        "for saliency.",
    ),
    as_json: bool = Json,
) -> None:
    """Write one page with every image as a point.

    Adds to the run's report PCA, t-SNE and UMAP projections of the network's features, with
    neighbours, search and lasso selection. Slow results are cached in the run's folder.
    """
    from dressform.core.errors import ConfigError
    from dressform.reporting.local import local_server
    from dressform.workbench.pages import explore as write

    try:
        sides = [int(text) for text in dimensions.split(",")]
    except ValueError as error:
        raise ConfigError(f"--dimensions is {dimensions}; allowed: 2, 3, or 2,3") from error
    names = None if methods is None else [m.strip() for m in methods.split(",") if m.strip()]
    if serve:  # says now, not after the work, that the port cannot be had
        local_server(Path(), port).server_close()
    path = write(
        run,
        out=out,
        split=split,
        out_of_fold=out_of_fold,
        embedding=embedding,
        methods=names,
        dimensions=sides,
        seed=seed,
        data=data,
        recipe=recipe,
    )
    size = path.stat().st_size
    if as_json:
        print_json({"page": str(path), "bytes": size})
    else:
        print(f"{path} ({size / 1e6:.1f} MB)")
    if serve:
        with local_server(path, port) as server, contextlib.suppress(KeyboardInterrupt):
            say(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends)")
            server.serve_forever()
