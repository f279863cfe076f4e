"""The options of commands that run ONNX models of other programs."""

import typer

Scale = typer.Option(
    None,
    "--scale",
    help="What .onnx models of floats take: unit, 0 to 1 (default), raw, 0 to 255, or symmetric, "
    "-1 to 1.",
)
Mean = typer.Option(
    None,
    "--mean",
    help="Subtracted from these pixels: a number, or one per channel, such as 0.485,0.456,0.406.",
)
Std = typer.Option(None, "--std", help="Divides them after that: a number, or one per channel.")
Classes = typer.Option(
    None,
    "--classes",
    help="Classes of .onnx models in the order of their outputs, such as dress,pants,shoes. "
    "Default: those in a model.json or class_names.txt beside each, or in its metadata; else the "
    "order of the data's classes.",
)
