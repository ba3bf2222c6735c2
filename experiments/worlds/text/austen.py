#!/usr/bin/python3
"""Jane Austen's six novels as text for strata: one UTF-8 file per novel, one document per chapter.

    austen.py OUT_DIR                       novels from Debian's package r-cran-janeaustenr; exit code 3 when it cannot be had
    austen.py --generate OUT_DIR [--seed N] a text of nested topics instead, made here, the same for the same seed

A line that holds only a form feed parts chapters, a blank line paragraphs; lines stay wrapped as they are. A heading ("CHAPTER I") is the
first paragraph of its chapter, behind that of the volume it opens. The title page in front of the first chapter is left out, and so are an
editor's note behind the last and second spaces after a full stop (two of the novels have them, which would tell a work by its typing).
Files that are already there and complete are used again. Standard library only.

The package keeps the novels as R data: Rdata.rdx is a compressed R serialisation that lists offset and length of every variable, Rdata.rdb
holds the variables, each a 4-byte big-endian length, a type byte where the compression is not zlib ('2' bzip2, 'Z' xz, '0' none), then an R
serialisation of the lines (R Internals, section 1.8 "Serialization Formats"; R's lazyload.c).
"""

import argparse
import bz2
import gzip
import lzma
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zlib

PACKAGE = "r-cran-janeaustenr"
NOVELS = {
    "emma": "emma",
    "mansfieldpark": "mansfield_park",
    "northangerabbey": "northanger_abbey",
    "persuasion": "persuasion",
    "prideprejudice": "pride_and_prejudice",
    "sensesensibility": "sense_and_sensibility",
}
CANNOT_GET = 3


class Unavailable(Exception):
    """The package cannot be had, or is not what it should be."""


# ---------------------------------------------------------------- R serialisation

class RReader:
    """Reads R's binary XDR serialisation, versions 2 and 3: as much of it as data of numbers, strings and lists needs."""

    ATTRIBUTES, TAG = 0x200, 0x400

    def __init__(self, data):
        self.data = data
        self.position = 0
        self.references = []
        if data[:2] != b"X\n":
            raise Unavailable("R data in an unknown format (%r)" % data[:2])
        self.position = 2
        version = self.integer()
        self.integer(), self.integer()  # versions of R: the writer, the oldest reader
        if version == 3:
            self.take(self.integer())  # native encoding
        elif version != 2:
            raise Unavailable("R data of serialisation version %d" % version)

    def take(self, count):
        piece = self.data[self.position:self.position + count]
        if len(piece) != count:
            raise Unavailable("R data ends early")
        self.position += count
        return piece

    def integer(self):
        return struct.unpack(">i", self.take(4))[0]

    def length(self):
        count = self.integer()
        return count if count >= 0 else (self.integer() << 32) + self.integer()

    def item(self):
        flags = self.integer()
        kind = flags & 0xFF
        if kind in (254, 242, 253, 251, 252, 241):  # NULL, empty and global environments, markers
            return None
        if kind == 255:  # a reference to a symbol or environment met before
            index = flags >> 8 or self.integer()
            return self.references[index - 1]
        if kind == 1:  # symbol
            self.references.append(self.item())
            return self.references[-1]
        if kind in (2, 5, 6):  # pairlist, promise, language
            return self.pairlist(flags)
        if kind == 238:  # ALTREP: a compact form (class, state, attributes)
            return self.compact(self.item(), self.item(), self.item())
        value = self.string(flags) if kind == 9 else self.vector(kind)
        if flags & self.ATTRIBUTES:
            attributes = self.item() or {}
            names = attributes.get("names") if isinstance(attributes, dict) else None
            if kind == 19 and names:
                value = dict(zip(names, value))
        return value

    def string(self, flags):
        """None where R has NA. Bit 2 of R's own 16 says Latin-1."""
        count = self.integer()
        return None if count < 0 else self.take(count).decode("latin-1" if flags >> 12 & 4 else "utf-8")

    def vector(self, kind):
        if kind in (10, 13):  # logicals, integers
            count = self.length()
            return list(struct.unpack(">%di" % count, self.take(4 * count)))
        if kind == 14:
            count = self.length()
            return list(struct.unpack(">%dd" % count, self.take(8 * count)))
        if kind in (16, 19, 20):  # strings, list, expressions
            return [self.item() for _ in range(self.length())]
        if kind == 24:
            return self.take(self.length())
        raise Unavailable("R data of an unexpected type (%d)" % kind)

    def pairlist(self, flags):
        pairs = {}
        while True:
            if flags & self.ATTRIBUTES:
                self.item()
            tag = self.item() if flags & self.TAG else len(pairs)
            pairs[tag] = self.item()
            flags = self.integer()
            if flags & 0xFF != 2:
                self.position -= 4
                rest = self.item()
                if rest is not None:
                    pairs[len(pairs)] = rest
                return pairs

    @staticmethod
    def compact(info, state, _attributes):
        name = info[0] if isinstance(info, dict) else info
        if name in ("compact_intseq", "compact_realseq"):
            count, first, step = state
            return [first + i * step for i in range(int(count))]
        if name == "deferred_string":  # (vector, conversion options) as a pair
            return [str(value) for value in state[0]]
        if name and name.startswith("wrap_"):
            return state[0]
        raise Unavailable("R data in an unknown compact form (%s)" % name)


def unpack(data):
    """Undoes whichever compression `data` begins as."""
    for magic, undo in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress), (b"x", zlib.decompress)):
        if data.startswith(magic):
            return undo(data)
    return data


def chunk(database, offset, length):
    """One variable's bytes out of Rdata.rdb."""
    record = database[offset:offset + length]
    size, body = struct.unpack(">I", record[:4])[0], record[4:]
    if body[:1] == b"2":
        data = bz2.decompress(body[1:])
    elif body[:1] == b"Z":
        try:
            data = lzma.decompress(body[1:])
        except lzma.LZMAError:  # R writes raw streams here as well
            data = lzma.decompress(body[1:], lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}])
    elif body[:1] == b"0":
        data = body[1:]
    else:
        data = zlib.decompress(body)
    if len(data) != size:
        raise Unavailable("a chunk of R data has %d bytes instead of %d" % (len(data), size))
    return data


def read_database(folder):
    """All variables of a folder with Rdata.rdx and Rdata.rdb: name -> value."""
    index = RReader(unpack((folder / "Rdata.rdx").read_bytes())).item()
    database = (folder / "Rdata.rdb").read_bytes()
    return {name: RReader(chunk(database, *where)).item() for name, where in index["variables"].items()}


# ---------------------------------------------------------------- novels

HEADING = re.compile(r"^\s*(CHAPTER|Chapter)\s+([IVXLC]+|\d+|[A-Z][A-Za-z]+)\.?\s*$")
NOTE = re.compile(r"^\s*A NOTE ON THE TEXT\s*$")
VOLUME = re.compile(r"^\s*(VOLUME|Volume|BOOK|Book)\s+([IVXLC]+|\d+|[A-Z]+)\.?\s*$")


def chapters_of(lines):
    """Lists of lines, one per chapter, each beginning with its heading (behind its volume's)."""
    chapters, volume = [], None
    for line in lines:
        line = re.sub(r"(?<=\S) {2,}(?=\S)", " ", (line or "").rstrip())
        if VOLUME.match(line):
            volume = line.strip()
        elif HEADING.match(line):
            chapters.append(([volume, ""] if volume else []) + [line.strip()])
            volume = None
        elif NOTE.match(line):
            break
        elif chapters and volume is None:
            chapters[-1].append(line)
    return [tidy(chapter) for chapter in chapters]


def tidy(lines):
    """One blank line between paragraphs, none at the ends; "THE END" and "FINIS" belong to the book, not to its last chapter."""
    kept = []
    for line in lines:
        if re.match(r"^\s*(THE END|FINIS)\.?\s*$", line):
            continue
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def write_chapters(path, chapters):
    """Written aside and renamed, so that a file that is there is complete."""
    text = "\n\f\n".join("\n".join(chapter) for chapter in chapters) + "\n"
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)
    return len(text.encode("utf-8"))


def run(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Unavailable("%s: %s" % (command[0], failure)) from failure
    if done.returncode != 0:
        lines = done.stderr.splitlines() or ["exit code %d" % done.returncode]
        said = [line for line in lines if line.startswith("E:")] or lines
        raise Unavailable("%s: %s" % (" ".join(command[:2]), said[-1]))


def fetch(out):
    with tempfile.TemporaryDirectory(prefix="strata-austen-") as name:
        folder = pathlib.Path(name)
        run(["apt-get", "download", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", PACKAGE], folder)
        packages = sorted(folder.glob("*.deb"))
        if not packages:
            raise Unavailable("apt-get download left no package")
        run(["dpkg", "-x", packages[0].name, "unpacked"], folder)
        indices = sorted((folder / "unpacked").rglob("data/Rdata.rdx"))
        if not indices:
            raise Unavailable("the package holds no data/Rdata.rdx")
        try:
            variables = read_database(indices[0].parent)
        except (zlib.error, lzma.LZMAError, EOFError, struct.error, LookupError, TypeError, ValueError) as failure:
            raise Unavailable("its R data cannot be read (%s)" % failure) from failure
    missing = sorted(set(NOVELS) - set(variables))
    if missing:
        raise Unavailable("the package holds no " + ", ".join(missing))
    out.mkdir(parents=True, exist_ok=True)
    total = 0
    for variable, novel in NOVELS.items():
        chapters = chapters_of(variables[variable])
        if len(chapters) < 10:
            raise Unavailable("only %d chapters found in %s" % (len(chapters), novel))
        size = write_chapters(out / (novel + ".txt"), chapters)
        total += size
        print("%s: %d chapters, %d bytes" % (novel, len(chapters), size))
    print("%d novels, %d bytes in %s" % (len(NOVELS), total, out))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", metavar="OUT_DIR", type=pathlib.Path)
    parser.add_argument("--generate", action="store_true", help="make a text of nested topics instead of fetching the novels")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        if options.generate:
            sys.dont_write_bytecode = True  # leave no cache beside the script
            import nested_prose  # beside this file, where Python looks first
            nested_prose.write_all(options.out, options.seed, write_chapters)
            return 0
        if all((options.out / (novel + ".txt")).is_file() for novel in NOVELS.values()):
            print("%d novels are already in %s" % (len(NOVELS), options.out))
            return 0
        fetch(options.out)
        return 0
    except Unavailable as failure:
        print("austen.py: Debian's package %s cannot be used: %s; make a text with --generate, or give your own" % (PACKAGE, failure),
              file=sys.stderr)
        return CANNOT_GET
    except OSError as failure:
        print("austen.py: %s" % failure, file=sys.stderr)
        return 6


if __name__ == "__main__":
    sys.exit(main())
