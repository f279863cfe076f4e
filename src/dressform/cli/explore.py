"""``dressform explore``."""

import contextlib
from pathlib import Path

import typer

from dressform.cli.complete import complete_data, complete_runs
from dressform.cli.lists import Json
from dressform.cli.output import print_json, say


def explore(
    run: Path = typer.Argument(help="The folder of a finished run.", autocompletion=complete_runs),
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
        autocompletion=complete_runs,
    ),
    embedding: str = typer.Option(
        "features", "--embedding", help="features of the network's penultimate layer, or pixels."
    ),
    methods: str | None = typer.Option(
        None,
        "--methods",
        help="Projections: one or more of pca, tsne and umap, such as tsne,umap. Default: "
        "pca,tsne, and umap if it is installed.",
    ),
    dimensions: str | None = typer.Option(
        None, "--dimensions", help="Dimensions of t-SNE and UMAP: 2 (default), 3, or 2,3."
    ),
    seed: int | None = typer.Option(
        None, "--seed", help="Random seed for t-SNE and UMAP. Default: 0."
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="The images, where they have moved: a name, or a path.",
        autocompletion=complete_data,
    ),
    serve: bool = typer.Option(False, "--serve", help="Serve the page on localhost until Ctrl-C."),
    port: int | None = typer.Option(None, "--port", help="Port for --serve. Default: a free one."),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        help="file.py:function that made the run's network, if a file of yours did; it is "
        "executed, for saliency.",
    ),
    as_json: bool = Json,
) -> None:
    """Write one page with every image as a point.

    Adds to the run's report PCA, t-SNE and UMAP projections of the network's features, with
    neighbours, search and lasso selection. The page opens on the projection that keeps most
    neighbours. Slow results are cached in the run's folder.
    """
    from dressform.core.errors import ConfigError
    from dressform.reporting.local import local_server
    from dressform.workbench.pages import explore as write

    try:
        sides = [int(text) for text in (dimensions or "2").split(",")]
    except ValueError as error:
        raise ConfigError(f"--dimensions is {dimensions}; allowed: 2, 3, or 2,3") from error
    if port is not None and not serve:
        raise ConfigError(f"--port {port} does not apply without --serve; leave it out, or serve")
    names = None if methods is None else [m.strip() for m in methods.split(",") if m.strip()]
    if names is not None and not set(names) - {"pca"}:
        for option, value in (("--dimensions", dimensions), ("--seed", seed)):
            if value is not None:
                raise ConfigError(
                    f"{option} {value} does not apply to PCA alone; leave it out, or add tsne or "
                    f"umap to --methods"
                )
    if serve:  # says now, not after the work, that the port cannot be had
        local_server(Path(), port or 0).server_close()
    path = write(
        run,
        out=out,
        split=split,
        out_of_fold=out_of_fold,
        embedding=embedding,
        methods=names,
        dimensions=sides,
        seed=seed or 0,
        data=data,
        recipe=recipe,
    )
    size = path.stat().st_size
    if as_json:
        print_json({"page": str(path), "bytes": size})
    else:
        print(f"{path} ({size / 1e6:.1f} MB)")
    if serve:
        with local_server(path, port or 0) as server, contextlib.suppress(KeyboardInterrupt):
            say(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends)")
            server.serve_forever()
