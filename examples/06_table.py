"""A table of numbers, text, dates and holes, from a CSV file to a trained network that takes rows as they come.

The rents of made-up flats: what they are made of is known, so what the network finds can be held against it.
Run it: python examples/06_table.py
"""

import csv
import random
import tempfile
from pathlib import Path

import polars as pl

import backlit as bl

# A table such as people have: a missing cell here and there, a rare word, a column that says nothing.
rng = random.Random(0)
folder = Path(tempfile.mkdtemp())
with (folder / "flats.csv").open("w", newline="") as file:
    rows = csv.writer(file, delimiter=";")
    rows.writerow(["id", "rooms", "area", "district", "balcony", "since", "rent"])
    for number in range(4000):
        rooms = rng.randint(1, 6)
        area = rng.lognormvariate(3 + 0.25 * rooms, 0.2)
        district, per_metre = rng.choice([("north", 9), ("south", 12), ("harbour", 16), ("old town", 20)])
        balcony, year = rng.random() < 0.4, rng.randint(1990, 2023)
        rent = area * per_metre + 80 * balcony - 12 * (2023 - year) + rng.gauss(0, 60)
        shown = "NA" if number % 11 == 0 else f"{area:.1f}"
        since = f"{year}-{rng.randint(1, 12):02}-15"
        rows.writerow([f"F-{number}", rooms, shown, district, ("no", "yes")[balcony], since, round(rent, 2)])

# Source: the delimiter and the kinds of the columns are found out.
table = bl.data.read(folder / "flats.csv", target="rent")
print(table)

# The rows in three parts, and the encoding fitted on those that train, and no other.
parts = bl.data.split(table.y, validation=0.2, test=0.2, seed=0, stratify=False)
encoding = bl.data.fit(table, parts.train)
for column, became in encoding.table.in_words():
    print(f"  {column}: {became}")
X, y = bl.data.encode_parts(table, encoding, vars(parts), "float32"), encoding.targets(table.y, "float32")

# Network and training, as for any matrix.
net = bl.Network([len(encoding.inputs), 64, encoding.outputs], seed=0)
held_out = (X["validation"], y[parts.validation])
run = bl.train(net, X["train"], y[parts.train], epochs=60, validation=held_out, early_stopping=10, seed=0)

# A model: the network and the encoding. It takes a table as it comes: columns in any order, others between them.
bl.save(bl.Model(net, encoding), folder / "flats.safetensors")
model = bl.load_model(folder / "flats.safetensors")
new = pl.DataFrame(
    {
        "district": ["old town", "north", "a new one"],
        "area": [60.0, 60.0, None],
        "colour": ["blue", "red", "red"],
        "rooms": [3, 3, 2],
        "since": ["2020-01-15"] * 3,
        "balcony": ["yes", "no", "no"],
    }
)
print(new.with_columns(rent=pl.Series(model.predict(new)).round(0)))
print(model.encode(new).select(pl.nth(range(4))))

test = table.X[parts.test]
wrong = model.predict(test) - table.y[parts.test]
r2 = 1 - (wrong**2).mean() / table.y[parts.test].var()
print(f"R² on {len(test)} rows that chose nothing: {r2:.3f}")
print(f"root mean squared error: {(wrong**2).mean() ** 0.5:.0f}, of which chance put in 60")
