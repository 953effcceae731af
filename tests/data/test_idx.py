import gzip
import random
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from backlit.data.idx import TYPES, read_folder
from backlit.errors import BacklitError, DataError

CODES = {np.dtype(name): code for code, name in TYPES.items()}
MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 3, 4), dtype=np.uint8)
CLASSES = np.array([0, 1, 2, 0, 1, 2], np.uint8)


def idx(array):
    header = bytes([0, 0, CODES[array.dtype], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def claim(code, *shape):
    """A header that promises, and nothing behind it."""
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def write(folder, files):
    """Files by name; None leaves one out."""
    for name, content in files.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def pair():
    return {IMAGES: idx(PIXELS), LABELS: idx(CLASSES)}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("naming", ["-idx{}-ubyte", ".idx{}-ubyte"])
@pytest.mark.parametrize(("part", "begin"), [("train", "train"), ("test", "t10k"), ("test", "test")])
def test_a_pair_is_read_under_each_of_its_names(tmp_path, part, begin, naming, packed):
    pack = gzip.compress if packed else bytes
    ending = ".gz" if packed else ""
    images, labels = f"{begin}-images{naming.format(3)}{ending}", f"{begin}-labels{naming.format(1)}{ending}"
    write(tmp_path, {images: pack(idx(PIXELS)), labels: pack(idx(CLASSES))})
    dataset = read_folder(tmp_path, part)
    np.testing.assert_array_equal(dataset.X, PIXELS.reshape(6, 12))
    assert (dataset.X.dtype, dataset.full_scale, dataset.image_shape) == (np.float32, 255.0, (3, 4))
    assert dataset.y.tolist() == CLASSES.tolist()
    assert (len(dataset.columns), dataset.columns[5]) == (12, "pixel_1_1")


def test_gzip_is_known_by_its_content(tmp_path, pair):
    write(tmp_path, {IMAGES: gzip.compress(pair[IMAGES]), f"{LABELS}.gz": pair[LABELS]})
    assert read_folder(tmp_path).X.shape == (6, 12)


def test_the_training_part_is_not_the_test_part(tmp_path, pair):
    test = {"t10k-images-idx3-ubyte": idx(PIXELS[:2]), "t10k-labels-idx1-ubyte": idx(CLASSES[:2])}
    write(tmp_path, pair | test)
    assert len(read_folder(tmp_path, "train").X) == 6
    assert len(read_folder(tmp_path, "test").X) == 2


@pytest.mark.parametrize("dtype", [np.dtype(name) for name in TYPES.values()], ids=str)
def test_every_type_of_the_format_is_read_in_its_byte_order(tmp_path, pair, dtype):
    values = np.arange(72).reshape(6, 3, 4).astype(dtype)
    dataset = read_folder(write(tmp_path, pair | {IMAGES: idx(values)}))
    np.testing.assert_array_equal(dataset.X, np.arange(72).reshape(6, 12))
    assert dataset.full_scale == (255.0 if dtype == np.uint8 else None)
    assert dataset.X.dtype == (np.float32 if dtype == np.uint8 else np.float64)


def test_rows_of_pixels_are_read_as_they_are(tmp_path, pair):
    rows = {"train-images-idx2-ubyte": idx(PIXELS.reshape(6, 12)), LABELS: pair[LABELS]}
    dataset = read_folder(write(tmp_path, rows))
    assert (dataset.X.shape, dataset.image_shape, dataset.full_scale) == ((6, 12), None, 255.0)


TORN = gzip.compress(idx(PIXELS), mtime=0)

BAD = {
    "no file at all": (
        {IMAGES: None, LABELS: None},
        r"no images of the train part; looked for train-images-idx3-ubyte, train-images\.idx3",
    ),
    "no labels": ({LABELS: None}, "no labels of the train part; looked for train-labels-idx1-ubyte"),
    "labels where images should be": ({IMAGES: idx(CLASSES)}, "1 dimension where images.*it holds labels"),
    "images where labels should be": ({LABELS: idx(PIXELS)}, "3 dimensions where labels.*it holds images"),
    "color images": ({IMAGES: idx(np.zeros((6, 2, 2, 3), np.uint8))}, "has 4 dimensions where images"),
    "more images than labels": ({LABELS: idx(CLASSES[:5])}, "holds 6 images and .* 5 labels"),
    "truncated": ({IMAGES: idx(PIXELS)[:-5]}, "truncated: its header claims 72 bytes of data and 67 are there"),
    "truncated, then packed": ({IMAGES: gzip.compress(idx(PIXELS)[:-5])}, "claims 72 bytes of data and 67 are there"),
    "ends within its header": ({IMAGES: idx(PIXELS)[:9]}, "it ends within its header"),
    "ends within its magic number": ({IMAGES: b"\0\0\x08"}, "not an IDX file"),
    "goes on": ({LABELS: idx(CLASSES) + b"\0"}, "goes on behind its data, of which its header claims 6 bytes"),
    "goes on, then packed": ({LABELS: gzip.compress(idx(CLASSES) + b"\0")}, "goes on behind its data"),
    "gzip cut short": ({IMAGES: TORN[:-12]}, "damaged or cut short"),
    "gzip damaged": ({IMAGES: TORN[:20] + b"\xff\xff" + TORN[22:]}, "damaged or cut short"),
    "gzip of other content": ({IMAGES: TORN[:-8] + b"\0\0\0\0" + TORN[-4:]}, "CRC check failed"),
    "empty": ({IMAGES: b""}, "is not an IDX file: it is empty"),
    "a page of HTML": ({IMAGES: b"<html>not found</html>"}, "seems to be an HTML"),
    "a zip archive": ({IMAGES: b"PK\x03\x04aaaa"}, "seems to be a zip archive"),
    "packed twice": ({IMAGES: gzip.compress(TORN)}, "seems to be gzip data"),
    "an unknown type": ({IMAGES: claim(0x0A, 6, 3, 4)}, "not an IDX file: it starts with the bytes 00 00 0a 03"),
    "no rows": ({IMAGES: claim(8, 0, 3, 4), LABELS: claim(8, 0)}, "holds no images: its shape is 0 × 3 × 4"),
    "no pixels": ({IMAGES: claim(8, 6, 3, 0)}, "holds no images"),
    "NaN": ({IMAGES: idx(np.full((6, 1, 2), np.nan, ">f4"))}, "X has NaN at row 0, column 0"),
    "a NaN label": ({LABELS: idx(np.array([1, 2, 3, np.nan, 5, 6], ">f8"))}, "target 'label' has NaN at row 3"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_named_in_one_line(tmp_path, pair, case):
    files, says = BAD[case]
    write(tmp_path, pair | files)
    with pytest.raises(DataError, match=says) as caught:
        read_folder(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path) in message


def test_the_damaged_file_is_the_one_named(tmp_path, pair):
    write(tmp_path, pair | {IMAGES: TORN[:-12]})
    with pytest.raises(DataError, match=f"{IMAGES}: damaged"):
        read_folder(tmp_path)


PROMISES = {
    "a plain file": claim(8, 6, 2**20, 2**20),
    "beyond 64 bits": claim(0x0E, 6, 2**32 - 1, 2**32 - 1),
    "gzip data": gzip.compress(claim(8, 6, 2**20, 2**20)),
    "a bomb: far more than it claims": gzip.compress(idx(PIXELS) + bytes(1 << 26)),
}


@pytest.mark.parametrize("case", PROMISES)
def test_nothing_is_allocated_on_a_promise(tmp_path, pair, case):
    write(tmp_path, pair | {IMAGES: PROMISES[case]})
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"truncated|goes on behind"):
            read_folder(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 23  # 8 MiB, where the claims are of 64 MiB and more
    finally:
        tracemalloc.stop()


def mutate(content, seed):
    """A few bytes changed, lost or added, most of them near the start, where the header is."""
    chance = random.Random(seed)
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(min(len(changed), chance.choice((24, len(content)))))
        how = chance.randrange(4)
        if how == 0:
            changed[at] = chance.randrange(256)
        elif how == 1:
            changed[at] ^= 1 << chance.randrange(8)
        elif how == 2:
            del changed[at : at + chance.choice((1, 4))]
        else:
            changed[at:at] = chance.randbytes(chance.choice((1, 4)))
    return bytes(changed)


def survive(folder, pair, seeds):
    """How many mutations were read and how many refused; anything but these two fails the test."""
    read = refused = 0
    for seed in seeds:
        name = (IMAGES, LABELS)[seed % 2]
        content = pair[name] if seed % 3 else gzip.compress(pair[name], mtime=0)
        write(folder, pair | {name: mutate(content, seed)})
        try:
            dataset = read_folder(folder)
        except BacklitError:
            refused += 1
        else:
            assert len(dataset.X) == len(dataset.y)
            read += 1
    return read, refused


def test_mutated_files_are_read_or_refused(tmp_path, pair):
    read, refused = survive(tmp_path, pair, range(300))
    assert read > 10  # a changed pixel is a pixel: the mutations reach beyond the header
    assert refused > 100


@pytest.mark.slow
def test_many_mutated_files_are_read_or_refused(tmp_path, pair):
    read, refused = survive(tmp_path, pair, range(300, 60_000))
    assert read + refused == 59_700


@pytest.mark.skipif(not MNIST.is_dir(), reason="the MNIST files are not here")
def test_mnist():
    dataset = read_folder(MNIST)
    assert dataset.X.shape == (60_000, 784)
    assert dataset.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(dataset.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    # the mean of the training pixels is published everywhere as 0.1307 of full scale
    assert dataset.X.mean(dtype=np.float64) / dataset.full_scale == pytest.approx(0.1307, abs=5e-5)
    test = read_folder(MNIST, "test")
    assert test.X.shape == (10_000, 784)
    assert test.y[:5].tolist() == [7, 2, 1, 0, 4]
