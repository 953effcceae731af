"""The options of a training, which several commands take: of the data, the network and how it is trained."""

from typing import Annotated

import typer

from backlit.cli import options as read_option

OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}

DATA, NETWORK, TRAINING, RESULTS = "Data", "Network", "Training", "Results"

BY_RULE = "  [default: by rule]"

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="{sources}; a .csv or .parquet table; openml:NAME; an .npz file; X.npy,y.npy; a folder of IDX files.")]
Target = Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="NAME", help="The column of a table that is the target (several as a,b; without names its place), or the array of an .npz file.  [default: y, Y, target or labels; without names the last column]")]
Task = Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="TASK", help="classes, labels (several at once, each 0 or 1) or numbers.  [default: seen from the target]")]
Validation = Annotated[float, typer.Option(rich_help_panel=DATA, metavar="SHARE", parser=read_option.number, help="Of the rows: they choose the best epoch; 0 for none.")]
Test = Annotated[float, typer.Option(rich_help_panel=DATA, metavar="SHARE", parser=read_option.number, help="Of the rows: they choose nothing, and report the score; 0 for none.")]
Window = Annotated[int | None, typer.Option(rich_help_panel=DATA, metavar="ROWS", parser=read_option.at_least_one, help="Keep the encoded rows in a file while training, and shuffle so many together: for data larger than the memory.")]
LeaveOut = Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="ROWS", help="Do not train on these: row numbers between commas, or a table by `backlit diagnose --rows --out`, of which the rows with likely wrong labels are meant. Rows that choose or judge stay.")]
ClassWeight = Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="balanced", help="Rare classes count as much as common ones.")]
Layers = Annotated[str | None, typer.Option(rich_help_panel=NETWORK, metavar="N,N,…", help="Neurons of the hidden layers; '' for no hidden layer." + BY_RULE)]
Activation = Annotated[str | None, typer.Option(rich_help_panel=NETWORK, metavar="NAME", help="Of the hidden layers, one or one a layer as relu,tanh: {activations}." + BY_RULE)]
Output = Annotated[str | None, typer.Option("--output", rich_help_panel=NETWORK, metavar="NAME", help="Activation of the output layer: one of those, {output_activations}.  [default: " + ", ".join(f"{name} for {task}" for task, name in OUTPUT_OF_TASK.items()) + "]")]
Initializer = Annotated[str, typer.Option(rich_help_panel=NETWORK, metavar="NAME", help="Of the weights: {initializers}; auto takes one by the activation.")]
Dropout = Annotated[str | None, typer.Option(rich_help_panel=NETWORK, metavar="P", help="Probability that a hidden neuron is left out of a step; one, or one a layer as 0.2,0.5." + BY_RULE)]
Dtype = Annotated[str, typer.Option(rich_help_panel=NETWORK, metavar="TYPE", help="Of every number: {dtypes}.")]
Cost = Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="NAME", help="{costs}.  [default: the one of the output activation; of sigmoid for numbers, quadratic]")]
L2 = Annotated[float, typer.Option(rich_help_panel=TRAINING, metavar="λ", parser=read_option.number, help="Strength of the penalty λ/(2n) Σ‖W‖² on the weights.")]
LabelSmoothing = Annotated[float | None, typer.Option(rich_help_panel=TRAINING, metavar="ε", parser=read_option.number, help="Share of each label that is spread over all classes, as 0.1." + BY_RULE)]
Optimizer = Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="NAME", help="{optimizers}." + BY_RULE)]
LearningRate = Annotated[float | None, typer.Option(rich_help_panel=TRAINING, metavar="η", parser=read_option.number, help="How far a step goes.  [default: by rule; of an --optimizer, its own]")]
Momentum = Annotated[float | None, typer.Option(rich_help_panel=TRAINING, metavar="μ", parser=read_option.number, help="Of --optimizer sgd, as 0.9.  [default: 0]")]
Nesterov = Annotated[bool, typer.Option("--nesterov", rich_help_panel=TRAINING, help="Look ahead along the momentum.")]
Schedule = Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="NAME", help="Of the learning rate: {schedules}.  [default: by rule; of an --optimizer, constant]")]
BatchSize = Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="N", help="Rows a step, or all." + BY_RULE)]
Epochs = Annotated[int | None, typer.Option(rich_help_panel=TRAINING, metavar="N", parser=read_option.at_least_one, help="Passes over the training rows." + BY_RULE)]
Time = Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="TIME", help="As 30s, 5m or 1h: the training ends within it, and its schedule with it. The clock decides then: the same seed no longer gives the same model.")]
Clip = Annotated[float | None, typer.Option(rich_help_panel=TRAINING, metavar="NORM", parser=read_option.number, help="The largest norm a gradient may have.")]
EarlyStopping = Annotated[int | None, typer.Option(rich_help_panel=TRAINING, metavar="N", parser=read_option.at_least_one, help="Stop after so many epochs without a better validation cost.")]
Seed = Annotated[int, typer.Option(rich_help_panel=TRAINING, metavar="N", parser=read_option.whole, help="Draws all that is random: the same seed gives the same model.")]
Engine = Annotated[str, typer.Option(rich_help_panel=TRAINING, metavar="NAME", help="What executes the equations; auto takes the fastest that can (see backlit info).")]
