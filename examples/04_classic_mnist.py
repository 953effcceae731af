"""The classic program: MNIST by 784-30-10 sigmoids, quadratic cost, gradient descent in batches of 10.

What chapter 1 of Nielsen's *Neural Networks and Deep Learning* trains in 74 lines of Python, with its settings: weights
and biases drawn from the standard normal distribution, learning rate 3.0, 30 epochs, the first 50,000 images. As there,
the accuracy after every epoch is measured on the test images, so the best epoch is chosen on them: a replication, not a
fair score.

Run it: python examples/04_classic_mnist.py FOLDER_OF_IDX_FILES [--rows 50000] [--epochs 30] [--seed 0]
"""

import argparse

import backlit as bl


def main(folder: str, rows: int, epochs: int, seed: int) -> bl.Run:
    X, y = bl.data.load(folder)
    X_test, y_test = bl.data.load(f"{folder}:test")
    net = bl.Network([784, 30, 10], activation="sigmoid", output="sigmoid", initializer="gaussian", seed=seed)
    run = bl.train(
        net,
        X[:rows],
        y[:rows],
        cost="quadratic",
        optimizer="sgd",
        learning_rate=3.0,
        batch_size=10,
        epochs=epochs,
        validation=(X_test, y_test),
        seed=seed,
    )
    for epoch in run.history:
        print(f"Epoch {epoch.epoch - 1}: {round(epoch.validation_accuracy * len(y_test))} / {len(y_test)}")
    best = max(run.history["validation_accuracy"])
    print(f"best epoch, chosen on the test images as the original does: {best:.2%}, in {run.seconds:.1f} s")
    return run


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="of the four MNIST files, gzip or not")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    main(arguments.folder, arguments.rows, arguments.epochs, arguments.seed)
