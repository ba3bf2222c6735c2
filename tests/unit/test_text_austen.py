"""austen.py: reads R's data in every form it comes in, cuts chapters, says when there is no network, generates the same text again."""

import bz2
import lzma
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
folder = pathlib.Path(__file__).resolve().parents[2] / "experiments" / "worlds" / "text"
sys.path.insert(0, str(folder))
import austen  # noqa: E402


def integer(value):
    return struct.pack(">i", value)


def string(text, encoding="utf-8"):
    if text is None:
        return integer(9) + integer(-1)
    data = text.encode(encoding)
    return integer(9 | (4 if encoding == "latin-1" else 8) << 12) + integer(len(data)) + data


def strings(values):
    return integer(16) + integer(len(values)) + b"".join(string(value) for value in values)


def symbol(name):
    return integer(1) + string(name)


def header(version):
    native = integer(5) + b"UTF-8" if version == 3 else b""
    return b"X\n" + integer(version) + integer(0x040201) + integer(0x020300) + native


def read(body, version=3):
    return austen.RReader(header(version) + body).item()


def compact(name, kind):
    """Class of a compact form: name, package and type as a pairlist."""
    return integer(2) + symbol(name) + integer(2) + symbol("base") + integer(2) + integer(13) + integer(1) + integer(kind) + integer(254)


def serialisation():
    assert read(strings(["one", "", None, "£"])) == ["one", "", None, "£"]
    assert read(strings(["two"]), version=2) == ["two"]
    assert read(integer(16) + integer(1) + string("£", "latin-1")) == ["£"]
    assert read(integer(13) + integer(2) + integer(7) + integer(-1)) == [7, -1]
    # A list with names: attributes are a pairlist of tagged values, ended by NULL; the second use of a symbol is a reference.
    names = integer(2 | 0x400) + symbol("names") + strings(["a", "b"]) + integer(254)
    inner = integer(19 | 0x200) + integer(2) + strings(["x"]) + strings(["y"]) + names
    again = integer(2 | 0x400) + integer(255 | 1 << 8) + strings(["p", "q"]) + integer(254)
    outer = integer(19 | 0x200) + integer(2) + inner + integer(254) + again
    assert read(integer(19) + integer(2) + inner + outer) == [{"a": ["x"], "b": ["y"]}, {"p": {"a": ["x"], "b": ["y"]}, "q": None}]
    # Compact forms of version 3.
    info = compact("compact_intseq", 13)
    state = integer(14) + integer(3) + struct.pack(">ddd", 3, 5, 1)
    assert read(integer(238) + info + state + integer(254)) == [5, 6, 7]
    info = compact("wrap_string", 16)
    state = integer(19) + integer(2) + strings(["wrapped"]) + integer(13) + integer(1) + integer(0)
    assert read(integer(238) + info + state + integer(254)) == ["wrapped"]
    for broken in (b"A\n", header(9), header(3) + integer(16) + integer(5)):
        try:
            austen.RReader(broken).item()
        except austen.Unavailable:
            continue
        raise AssertionError("accepted %r" % broken)


def compression():
    data = b"some bytes " * 50
    size = struct.pack(">I", len(data))
    raw = lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}])
    for body in (zlib.compress(data), b"2" + bz2.compress(data), b"Z" + lzma.compress(data), b"Z" + raw, b"0" + data):
        assert austen.chunk(b"before" + size + body + b"behind", 6, 4 + len(body)) == data, body[:2]
    for packed in (zlib.compress(data), bz2.compress(data), lzma.compress(data), data):
        assert austen.unpack(packed) == data


def chapters():
    lines = ["TITLE", "", "By", "VOLUME I", "", "", "CHAPTER I", "", "", "First line", "goes on.  Then  more.", "", "", "",
             "the end of it.", None, "", "VOLUME II", "", "CHAPTER I", "", "chapter text", "", "THE END", "",
             "A NOTE ON THE TEXT", "", "not his"]
    assert austen.chapters_of(lines) == [
        ["VOLUME I", "", "CHAPTER I", "", "First line", "goes on. Then more.", "", "the end of it."],
        ["VOLUME II", "", "CHAPTER I", "", "chapter text"],
    ], austen.chapters_of(lines)


def command(arguments, path=None):
    environment = dict(os.environ, PATH=path + os.pathsep + os.environ["PATH"]) if path else None
    whole = [sys.executable, "-B", str(folder / "austen.py")] + arguments
    return subprocess.run(whole, env=environment, capture_output=True, text=True, check=False)


def without_network(home):
    fake = home / "bin"
    fake.mkdir()
    (fake / "apt-get").write_text("#!/bin/sh\necho 'E: Temporary failure resolving' >&2\nexit 100\n")
    (fake / "apt-get").chmod(0o755)
    done = command([str(home / "novels")], str(fake))
    assert done.returncode == 3, done
    assert done.stderr.count("\n") == 1 and "Temporary failure resolving" in done.stderr and "--generate" in done.stderr, done.stderr
    assert not (home / "novels").exists()
    # What is already there needs no network.
    (home / "novels").mkdir()
    for novel in austen.NOVELS.values():
        (home / "novels" / (novel + ".txt")).write_text("kept")
    assert command([str(home / "novels")], str(fake)).returncode == 0
    assert (home / "novels" / "emma.txt").read_text() == "kept"


def generated(home):
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert command(["--generate", str(home / name), "--seed", seed]).returncode == 0
    texts = {name: [path.read_bytes() for path in sorted((home / name).glob("*.txt"))] for name in "abc"}
    assert texts["a"] == texts["b"] and texts["a"] != texts["c"]
    assert len(texts["a"]) == 6
    assert 2_000_000 < sum(map(len, texts["a"])) < 5_000_000
    assert all(text.count(b"\n\f\n") == 49 for text in texts["a"])
    assert max(len(line) for text in texts["a"] for line in text.split(b"\n")) <= 72
    # Topics are nested: of the long words that a chapter says often, many are never said in the next.
    first, second = (part.decode().split() for part in texts["a"][0].split(b"\n\f\n")[:2])
    often = [word for word in set(first) if len(word) > 6 and first.count(word) >= 5]
    absent = [word for word in often if word not in second]
    assert len(often) > 15 and len(often) / 3 < len(absent) < len(often), (len(often), len(absent))


serialisation()
compression()
chapters()
with tempfile.TemporaryDirectory() as name:
    without_network(pathlib.Path(name))
    generated(pathlib.Path(name))
