"""Model files damaged, forged or foreign: one kind of error, in bounded time and memory."""

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Iterator

from limited_reader import FILES, Reader

from campaign import Effort

CONTENTS = {name: path.read_bytes() for name, path in sorted(FILES.items())}
HEAD_LENGTH = 10  # of a .npy file, before what is as long as its last two bytes say


def members_of(content: bytes) -> dict[str, bytes]:
    """Return the members of an archive by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def archive_of(members) -> bytes:
    """Return an archive of pairs (name, or ZipInfo, and bytes), with the right checksums."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand twice
        for name, raw in members:
            archive.writestr(name, raw)
    return out.getvalue()


def npy(data: bytes, head: bytes, magic: bytes = b"\x93NUMPY\x01\x00") -> bytes:
    return magic + struct.pack("<H", len(head)) + head + data


def head_and_data(raw: bytes) -> tuple[bytes, bytes]:
    end = HEAD_LENGTH + int.from_bytes(raw[8:10], "little")
    return raw[HEAD_LENGTH:end], raw[end:]


def with_header(content: bytes, text: bytes, member: str = "header.npy") -> bytes:
    """Return a file with another header, or record, in the right form."""
    members = members_of(content)
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({len(text)},), }}\n".encode()
    return archive_of((members | {member: npy(text, head)}).items())


def header_of(content: bytes, member: str = "header.npy") -> dict:
    return json.loads(head_and_data(members_of(content)[member])[1])


def protected(content: bytes) -> set[int]:
    """Return the places of the members, which have checksums; elsewhere are records."""
    places = set()
    for raw in members_of(content).values():
        start = content.index(raw)
        places.update(range(start, start + len(raw)))
    return places


def some(effort: Effort, cases: list, fast: int, whole: int = 10**6) -> Iterator:
    """Yield so many of the cases, in their order; all, if there are no more."""
    for i in sorted(effort.rng.permutation(len(cases))[: effort.cases(whole, fast)]):
        yield cases[i]


def with_bit(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


# ------------------------------------------------------------------------------ damage


def truncations(effort: Effort) -> Iterator[str]:
    cases = [(name, end) for name, content in CONTENTS.items() for end in range(len(content))]
    with Reader() as reader:
        for name, end in some(effort, cases, 1000):
            yield reader.load(name, CONTENTS[name][:end], f"cut off after {end} bytes")


def bits(effort: Effort, of_members: bool, whole: int, fast: int) -> Iterator[str]:
    cases = []
    for name, content in CONTENTS.items():
        members = protected(content)
        cases += [(name, at) for at in range(len(content)) if (at in members) == of_members]
    with Reader() as reader:
        for name, place in some(effort, cases, fast, whole):
            for bit in range(8):
                content = with_bit(CONTENTS[name], place, bit)
                yield reader.load(name, content, f"bit {bit} of byte {place}")


def bits_of_records(effort: Effort) -> Iterator[str]:
    return bits(effort, False, whole=10**6, fast=200)


def bits_of_members(effort: Effort) -> Iterator[str]:
    return bits(effort, True, whole=2000, fast=100)


def mutation(rng, content: bytes, other: bytes) -> bytes:
    """Return the bytes changed in one to six places."""
    now = bytearray(content)
    for _ in range(rng.integers(1, 7)):
        at, length = int(rng.integers(len(now))), int(rng.integers(1, 40))
        to = int(rng.integers(len(now)))
        match rng.integers(8):
            case 0:
                now[at] = rng.integers(256)
            case 1:
                now[at], now[to] = now[to], now[at]
            case 2:
                now[at:at] = rng.bytes(length)
            case 3:
                del now[at : at + length]
            case 4:  # a piece of itself
                now[to:to] = now[at : at + length]
            case 5:  # a piece of another
                now[at : at + length] = other[at : at + length]
            case 6:
                now[at : at + 4] = rng.choice(
                    [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"]
                )
            case 7:
                now[at : at + length] = bytes(length)
        if not now:
            now = bytearray(b"P")
    return bytes(now)


def mutations(effort: Effort) -> Iterator[str]:
    names = list(CONTENTS)
    with Reader() as reader:
        for i in range(effort.cases(30_000, 2000)):
            name, other = effort.rng.choice(names, 2)
            content = mutation(effort.rng, CONTENTS[name], CONTENTS[other])
            yield reader.load(str(name), content, f"mutation {i} of seed {effort.seed}")


# ------------------------------------------------------------------------------ forged archives


def forged_bits(effort: Effort) -> Iterator[str]:
    """Turn a bit of the header, or of an array's head, and make the checksum right again."""
    cases = []
    for name, content in CONTENTS.items():
        for member, raw in members_of(content).items():
            end = len(raw) if member == "header.npy" else len(raw) - len(head_and_data(raw)[1])
            cases += [(name, member, place) for place in range(end)]
    with Reader() as reader:
        for name, member, place in some(effort, cases, 200, 3000):
            members = members_of(CONTENTS[name])
            for bit in range(8):
                changed = members | {member: with_bit(members[member], place, bit)}
                what = f"bit {bit} of byte {place} of {member}, checksum mended"
                yield reader.load(name, archive_of(changed.items()), what, may_differ=True)


# Where the fields of zip's records begin, and how long they are (APPNOTE.TXT, 4.3).
RECORDS = {
    b"PK\x03\x04": [(4, 2), (6, 2), (8, 2), (10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    b"PK\x01\x02": [
        (4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2),
        (32, 2), (34, 2), (36, 2), (38, 4), (42, 4),
    ],
    b"PK\x05\x06": [(4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
}  # fmt: skip


def records_of_zip(effort: Effort) -> Iterator[str]:
    """Put another number into each field of the archive's records."""
    cases = []
    for name, content in CONTENTS.items():
        for mark, fields in RECORDS.items():
            at = content.find(mark)
            while at >= 0:
                cases += [(name, at + offset, size) for offset, size in fields]
                at = content.find(mark, at + 4)
    with Reader() as reader:
        for name, place, size in some(effort, cases, 60):
            content = CONTENTS[name]
            most = 256**size
            now = int.from_bytes(content[place : place + size], "little")
            for number in {0, 1, 8, 12, most - 1, most - 2, most // 2, now - 1, now + 1, 2 * now,
                           len(content), len(content) - 1, now ^ 1, now ^ 2048}:  # fmt: skip
                changed = content[:place] + (number % most).to_bytes(size, "little")
                changed += content[place + size :]
                yield reader.load(name, changed, f"{number} in {size} bytes from {place} on")


def odd_archives(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield archives whose members are other than they should be."""
    members = members_of(content)
    pairs, names = list(members.items()), list(members)
    for name in names:
        rest = [pair for pair in pairs if pair[0] != name]
        raw = members[name]
        yield f"without {name}", archive_of(rest)
        yield f"{name} alone", archive_of([(name, raw)])
        yield f"{name} twice", archive_of([*pairs, (name, raw)])
        yield f"{name} and its stem", archive_of([*pairs, (name.removesuffix(".npy"), raw)])
        yield f"{name} without its suffix", archive_of([*rest, (name.removesuffix(".npy"), raw)])
        for other in (
            "../" + name,
            "/" + name,
            name + "\0",
            name.upper(),
            "x" * 60_000,
            "é.npy",
        ):
            yield f"{name} as {other[:20]!r}", archive_of([*rest, (other, raw)])
        for wrong in (
            b"",
            b"\x93NUMPY",
            raw[:-1],
            raw + b"\0",
            raw * 2,
            raw[::-1],
            b"{}",
            b"PK\3\4",
        ):
            yield f"{name} is {wrong[:20]!r}", archive_of([*rest, (name, wrong)])
        for other in names:
            yield f"{name} is {other}", archive_of([*rest, (name, members[other])])
        for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            yield f"{name} compressed by {method}", archive_of([*rest, (info, raw)])
        folder = zipfile.ZipInfo(name)
        folder.external_attr = 0o120777 << 16
        yield f"{name} as a link", archive_of([*rest, (folder, raw)])
    yield "one member more", archive_of([*pairs, ("more.npy", pairs[-1][1])])
    yield "a pickle more", archive_of([*pairs, ("more.npy", b"cos\nsystem\n(S'false'\ntR.")])
    yield "a folder more", archive_of([*pairs, ("folder/", b"")])
    yield "10,000 members more", archive_of(pairs + [(f"{i}", b"") for i in range(10_000)])
    yield "in another order", archive_of(pairs[::-1])
    yield "none", archive_of([])
    yield "an archive in it", archive_of([("header.npy", content)])
    yield "twice, one after the other", content + content
    yield "behind something else", b"#!/bin/sh\nexit 1\n" + content
    yield "before something else", content + b"\0" * 100
    yield "before 70,000 bytes", content + b"\0" * 70_000
    comment = content[:-2] + struct.pack("<H", 5) + b"hello"
    yield "with a comment", comment


def members(effort: Effort) -> Iterator[str]:
    with Reader() as reader:
        for name, content in list(CONTENTS.items())[: effort.cases(len(CONTENTS), 2)]:
            for what, changed in odd_archives(content):
                yield reader.load(name, changed, what, may_differ=" is " in what)


# ------------------------------------------------------------------------------ arrays


DESCRS = [
    "'<f4'", "'<f8'", "'>f4'", "'>f8'", "'<f2'", "'<f16'", "'|u1'", "'<u8'", "'>u8'", "'<i8'",
    "'|O'", "'|S4'", "'<U1'", "'|V4'", "'<c8'", "'<M8'", "'|b1'", "'f4'", "''", "'<f'", "'<f9999'",
    "None", "3", "[('a', '<f4')]", "__import__('os').system('false')", "'<f4", "('<f4', (2,))",
    "'=f4'", "'!f4'",
]  # fmt: skip
SHAPES = [
    "()", "(1,)", "(0,)", "(-1,)", "(2, 3)", "(1099511627776,)", "(18446744073709551616,)", "9",
    "(9,) * 9", "(1e3,)", "(True,)", "(" + "9" * 50 + ",)", "(" + "1, " * 15 + ")", "(,)",
    "(0x10,)", "(1_0,)", "(٣,)", "[1]", "(1" + "0" * 70 + ",)",
]  # fmt: skip
MAGICS = [b"\x93NUMPY\x02\x00", b"\x93NUMPY\x03\x00", b"\x93NUMPY\xff\xff", b"\x00" * 8]


def heads(raw: bytes) -> Iterator[bytes]:
    """Yield .npy files whose head says something else."""
    head, data = head_and_data(raw)
    descr = head[head.index(b": ") + 2 : head.index(b", 'fortran")]
    shape = head[head.index(b"(") : head.index(b")") + 1]
    for other in DESCRS:
        yield npy(data, head.replace(descr, other.encode()))
    for other in SHAPES:
        yield npy(data, head.replace(shape, other.encode()))
    for magic in MAGICS:
        yield npy(data, head, magic)
    yield npy(data, head.replace(b"False", b"True"))
    yield npy(data, b"")
    yield npy(data, b"{}" + b" " * 60_000)
    yield npy(data, b"(" * 60_000)
    yield npy(data, head.rstrip() + b" " * 60_000 + b"\n")
    yield raw[:8] + b"\xff\xff" + raw[10:]
    yield raw[:8] + b"\0\0" + raw[10:]
    yield npy(data[:-1], head)
    yield npy(data + b"\0", head)
    for number in ("nan", "inf", "-inf"):
        for kind in ("<f", "<d"):
            packed = struct.pack(kind, float(number))
            yield npy(packed + data[len(packed) :], head)


def array_heads(effort: Effort) -> Iterator[str]:
    cases = [
        (name, member, i, changed)
        for name, content in CONTENTS.items()
        for member, raw in members_of(content).items()
        for i, changed in enumerate(heads(raw))
    ]
    with Reader() as reader:
        for name, member, i, changed in some(effort, cases, 500):
            content = archive_of((members_of(CONTENTS[name]) | {member: changed}).items())
            yield reader.load(name, content, f"head {i} of {member}", may_differ=True)


# ------------------------------------------------------------------------------ JSON

VALUES = [
    "null", "true", "false", "0", "-1", "1", "2", "1.5", "1e3", "1e308", "-1e308", "1e400", "NaN",
    "Infinity", "-Infinity", "9223372036854775807", "18446744073709551616", "1" + "0" * 400,
    "1" + "0" * 5000, "1e-400", '""', '"sigmoid"', '"softmax"', '"quadratic"', '"gaussian"',
    '"float64"', '"standard"', '"classes"', '"values"', '"steps"', '"\\ud800"', '"\\u0000"',
    '"é"', '"' + "x" * 100_000 + '"', "[]", "[[]]", "[null]", "[0]", "[1, 1]", "[1, 2, 3]",
    "[3, 5, 2]", "[2147483647, 2147483647]", '["a", "b"]', '["a", "a"]', '["tanh"]',
    '["steps", "steps"]', "[" + "0, " * 50_000 + "0]", "{}", '{"name": "elu", "alpha": 1.5}',
    '{"name": "elu", "alpha": "x"}', '{"own": "Focal"}', '{"own": "__class__"}', '{"name": []}',
    '{"name": "SGD", "learning_rate": 0.1, "momentum": 0.0, "nesterov": false}',
    '{"name": "SGD", "learning_rate": {"name": "Missing", "function": "f"}, "momentum": 0, '
    '"nesterov": false}',
    '{"a": {"a": {"a": {"a": {"a": {"a": {"a": 0}}}}}}}', "[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]",
    "[" * 100_000, '{"":' * 50_000,
]  # fmt: skip
# What stands in a record alone.
OF_RECORDS = [
    '{"dict": []}', '{"dict": [["a", 1]]}', '{"dict": [[[], 1]]}', '{"tuple": [1, "a"]}',
    '{"tuple": 1}', '{"array": "training.0", "shape": [1]}', '{"array": "training.0", "shape": []}',
    '{"array": "training.1", "shape": [-1]}', '{"array": "parameters", "shape": [1]}',
    '{"object": {"name": "Adam", "learning_rate": 0.1, "beta1": 0.9, "beta2": 0.9, "epsilon": 1}}',
    '{"object": {"name": "EarlyStopping", "monitor": "cost"}}', '{"object": []}',
    '{"object": {"name": "Checkpoint"}}', '{"object": {"name": "huber", "delta": 1e308}}',
]  # fmt: skip
MARK = "\ue000"  # where another value goes


def with_marks(value) -> Iterator:
    """Yield a JSON value with a mark in the place of itself, and of each value in it."""
    yield MARK
    if isinstance(value, dict):
        for name, inner in value.items():
            for marked in with_marks(inner):
                yield value | {name: marked}
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            for marked in with_marks(inner):
                yield [*value[:i], marked, *value[i + 1 :]]


def json_values(effort: Effort) -> Iterator[str]:
    """Put another value in the place of each value of the header."""
    cases = []
    for name, content in CONTENTS.items():
        header = header_of(content)
        known = dict.fromkeys(("input_names", "classes", "task_answers", "output_scale"))
        for marked in with_marks(known | header):
            unknown = {field for field in known if field not in header}
            if marked != MARK:
                marked = {
                    field: value
                    for field, value in marked.items()
                    if field not in unknown or value == MARK
                }
            cases += [(name, json.dumps(marked), value) for value in VALUES]
    with Reader() as reader:
        for name, marked, value in some(effort, cases, 1000, 15_000):
            text = marked.replace(json.dumps(MARK), value)
            content = with_header(CONTENTS[name], text.encode("utf-8", "surrogatepass"))
            yield reader.load(name, content, f"{value[:60]} in {marked}", may_differ=True)


RECORD = "training.npy"


def record_values(effort: Effort) -> Iterator[str]:
    """Put another value in the place of each value of what a file has beside its network."""
    cases = [
        (name, json.dumps(marked), value)
        for name, content in CONTENTS.items()
        if RECORD in members_of(content)
        for marked in with_marks(header_of(content, RECORD))
        for value in (*VALUES, *OF_RECORDS)
    ]
    with Reader() as reader:
        for name, marked, value in some(effort, cases, 1000, 15_000):
            text = marked.replace(json.dumps(MARK), value).encode("utf-8", "surrogatepass")
            content = with_header(CONTENTS[name], text, RECORD)
            yield reader.load(name, content, f"{value[:60]} in {marked}", may_differ=True)


def odd_texts(header: dict) -> Iterator[bytes]:
    """Yield texts that are a header in another way, or none."""
    text = json.dumps(header)
    for name in header:
        without = {other: value for other, value in header.items() if other != name}
        yield json.dumps(without).encode()
        yield json.dumps(without | {name.upper(): header[name]}).encode()
        twice = text[:-1] + f", {json.dumps(name)}: {json.dumps(header[name])}}}"
        yield twice.encode()
    yield (text[:-1] + ', "more": 1}').encode()
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig"):
        yield text.encode(encoding)
    yield text.encode() + b"\0"
    yield text.encode() + text.encode()
    yield b" " * 10_000_000 + text.encode()
    yield text.replace(", ", ",").encode()
    yield text.replace('"', "'").encode()
    yield text.replace("{", "{/* */", 1).encode()
    yield text.replace("true", "True").encode()
    yield text.encode() + b" " * 1000
    yield b"\xff" + text.encode()
    yield b""
    yield b'"' + b"x" * 1_000_000
    for bracket in (b"[", b"{", b'{"a":', b"[[],", b"[{", b'"\\'):
        for depth in (7, 8, 9, 500, 988, 1000, 300_000):
            yield bracket * depth


def json_texts(effort: Effort) -> Iterator[str]:
    cases = [
        (name, text) for name, content in CONTENTS.items() for text in odd_texts(header_of(content))
    ]
    with Reader() as reader:
        for name, text in some(effort, cases, 200):
            content = with_header(CONTENTS[name], text)
            yield reader.load(name, content, f"{text[:200]!r}", may_differ=True)


# ------------------------------------------------------------------------------ bombs


def bombs_of(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what would take far more memory or time than it has bytes."""
    members = members_of(content)
    for name in members:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        rest = [pair for pair in members.items() if pair[0] != name]
        yield f"96 MB of zeros as {name}", archive_of([*rest, (info, bytes(96 << 20))])
    # Entries of the directory that all show the same bytes, or overlap.
    first = members["header.npy"]
    for count in (2, 100, 20_000):
        one = archive_of([("header.npy", first)])
        directory = one.index(b"PK\x01\x02")
        entry, end = one[directory:-22], one[-22:]
        size = struct.pack("<HHI", count % 65536, count % 65536, count * len(entry))
        yield (
            f"one member shown {count} times",
            one[:directory] + entry * count + end[:8] + size + end[16:],
        )
    for shape in (2**31, 2**40, 2**62, 10**30):
        head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape},), }}\n".encode()
        yield (
            f"{shape} numbers that are not there",
            archive_of((members | {"parameters.npy": npy(b"\0" * 64, head)}).items()),
        )
    header = header_of(content)
    for sizes in ([2**31 - 1, 2**31 - 1], [2**20, 2**20], [1] * 1_000_000, [2**31 - 1] * 2000):
        yield (
            f"sizes of {len(sizes)}",
            with_header(content, json.dumps(header | {"sizes": sizes}).encode()),
        )
    for hidden in (["tanh"] * 100_000, ["x" * 1_000_000]):
        yield (
            f"hidden of {len(hidden)}",
            with_header(content, json.dumps(header | {"hidden": hidden}).encode()),
        )
    names = [f"s{i}" for i in range(200_000)]
    yield (
        "200,000 states",
        with_header(content, json.dumps(header | {"optimizer_state": names}).encode()),
    )


def bombs(effort: Effort) -> Iterator[str]:
    with Reader() as reader:
        for name, content in list(CONTENTS.items())[: effort.cases(len(CONTENTS), 1)]:
            for what, changed in bombs_of(content):
                yield reader.load(name, changed, what)


ROWS = {
    "cut off after each byte": truncations,
    "each bit of the archive's records turned": bits_of_records,
    "bits of its members turned": bits_of_members,
    "bytes put in, taken out, exchanged, spliced with another file": mutations,
    "bits of the header and of the arrays' heads turned, the checksum mended": forged_bits,
    "other numbers in the records of the archive": records_of_zip,
    "members missing, twice, foreign, compressed, exchanged": members,
    "other heads of the arrays, the checksum right": array_heads,
    "another value in the place of each of the header's": json_values,
    "another value in the place of each beside an estimator's network": record_values,
    "headers that are none, or in another form": json_texts,
    "bombs, and sizes that lie": bombs,
}
