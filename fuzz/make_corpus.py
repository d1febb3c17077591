#!/usr/bin/python3
"""Write the seed corpora, fuzz/corpus/FORMAT/*: for each format valid files, truncated
ones, and ones that lie.  Python's standard library only; the same bytes every time.
Inputs that fuzzing found (named crash-*, found-*) are left alone."""
import gzip
import io
import json
import os
import struct
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))


def npy(shape, descr="<f8", data=None, fortran=False, version=1, header=None):
    if header is None:
        header = "{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (
            descr if descr.startswith("[") else repr(descr), fortran, shape)
    text = header.encode("latin1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    if data is None:
        size, count = int(descr[2:]), 1
        for n in eval(shape):
            count *= n
        data = bytes(range(256)) * (size * count // 256 + 1)
        data = data[: size * count]
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def doubles(*values):
    return struct.pack("<%dd" % len(values), *values)


def archive(members, compression=zipfile.ZIP_STORED, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        z.comment = comment
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, compression)
    return out.getvalue()


def zip64(data):
    """An archive of one stored entry whose sizes and directory stand in zip64 fields."""
    import zlib
    name, crc = b"x.npy", zlib.crc32(data)
    sizes = struct.pack("<HHQQ", 1, 16, len(data), len(data))
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 45, 0, 0, 0, 33, crc, 0xFFFFFFFF, 0xFFFFFFFF, 5, 20) + name + sizes
    body = local + data
    extra = struct.pack("<HHQQQ", 1, 24, len(data), len(data), 0)
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 0, 0, 33, crc, 0xFFFFFFFF, 0xFFFFFFFF, 5,
                        len(extra), 0, 0, 0, 0, 0xFFFFFFFF) + name + extra
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1, 1, len(entry), len(body))
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(body) + len(entry), 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return body + entry + end64 + locator + end


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def idx(kind, shape, data):
    return bytes([0, 0, kind, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape) + data


def gz(data):
    packed = gzip.compress(data, 9, mtime=0)
    return packed[:9] + b"\xff" + packed[10:]  # the operating system differs between versions of Python


def corpus_npy():
    whole = npy("(2, 3)", data=doubles(1, 2, 3, 4, 5, 6))
    yield "f8", whole
    yield "fortran", npy("(2, 3)", data=doubles(1, 4, 2, 5, 3, 6), fortran=True)
    yield "fortran-3d", npy("(2, 3, 4)", "<f4", fortran=True)
    yield "scalar", npy("()", data=doubles(7))
    yield "empty", npy("(0, 3)", data=b"")
    yield "version2", npy("(1,)", data=doubles(1), version=2)
    yield "version3", npy("(1,)", data=doubles(1), version=3)
    yield "version9", npy("(1,)", data=doubles(1), version=9)
    for descr in ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", ">f8", ">i4", ">f2"):
        yield "type-" + descr.replace("<", "le-").replace(">", "be-").replace("|", "any-"), npy("(5,)", descr)
    yield "u8-too-large", npy("(1,)", "<u8", b"\xff" * 8)
    yield "object", npy("(1,)", "|O", b"\x80\x03N.")
    yield "complex", npy("(1,)", "<c16", doubles(1, 2))
    yield "long-double", npy("(1,)", "<f16", bytes(16))
    yield "records", npy("(1,)", "[('a', '<f8'), ('b', '<f8')]", doubles(1, 2))
    yield "python2-shape", npy("(2L, 1L)", data=doubles(1, 2))
    yield "truncated-data", whole[:-3]
    yield "truncated-header", whole[:40]
    yield "truncated-mark", whole[:4]
    yield "huge-shape", npy("(4611686018427387904, 8)", data=b"")
    yield "huge-product", npy("(3037000500, 3037000500, 0)", data=b"")
    yield "large-shape", npy("(1000000000000,)", data=b"")
    yield "negative", npy("(-1,)", data=doubles(1))
    yield "nine-dimensions", npy("(1, 1, 1, 1, 1, 1, 1, 1, 1)", data=doubles(1))
    yield "long-number", npy("(99999999999999999999,)", data=doubles(1))
    yield "header-length", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"
    yield "no-shape", npy("", header="{'descr': '<f8', 'fortran_order': False}", data=doubles(1))
    yield "open-brace", npy("", header="{'descr': '<f8', 'fortran_order': False, 'shape': (", data=doubles(1))
    yield "gzip", gz(whole)


def corpus_npz():
    x, y = npy("(2, 2)", data=doubles(1, 2, 3, 4)), npy("(3,)", "<i4")
    stored = archive([("x.npy", x), ("y.npy", y)])
    deflated = archive([("x.npy", x), ("y.npy", y)], zipfile.ZIP_DEFLATED)
    yield "stored", stored
    yield "deflated", deflated
    yield "zip64", zip64(x)
    yield "zip64-truncated", zip64(x)[:-30]
    yield "comment", archive([("x.npy", x)], comment=b"a comment")
    yield "note", archive([("readme.txt", b"hello"), ("x.npy", x)])
    yield "no-arrays", archive([("readme.txt", b"hello")])
    yield "empty", archive([])
    yield "no-name", archive([(".npy", x)])
    yield "object", archive([("o.npy", npy("(1,)", "|O", b"N."))])
    yield "truncated", stored[:-10]
    yield "half", stored[: len(stored) // 2]
    yield "wrong-sum", stored.replace(doubles(1), doubles(9), 1)
    yield "wrong-deflate", deflated[:70] + b"\xff\xff\xff" + deflated[73:]
    at = stored.rindex(b"PK\5\6")
    yield "directory-outside", stored[:at + 16] + b"\xf0\xff\xff\x7f" + stored[at + 20:]
    yield "count-too-large", stored[:at + 10] + b"\xff\x7f" + stored[at + 12:]
    entry = stored.index(b"PK\1\2")
    yield "offset-outside", stored[:entry + 42] + b"\xff\xff\xff\x7f" + stored[entry + 46:]
    yield "encrypted", stored[:entry + 8] + b"\x01\x00" + stored[entry + 10:]
    yield "method", stored[:entry + 10] + b"\x0e\x00" + stored[entry + 12:]
    yield "trailing-bytes", archive([("x.npy", x + b"more")])
    yield "bomb", archive([("x.npy", npy("(12500,)", data=bytes(100000)))], zipfile.ZIP_DEFLATED)


def corpus_csv():
    yield "plain", b"1,2,3\n4,5,6\n"
    yield "header", b"a,b,c\n1,2,3\n"
    yield "header-years", b"id,2019,2020\n1,2,3\n"
    yield "quoted", b'"a ""b""","c,d"\n"1",2\n'
    yield "semicolon", b"x;y\n1;2\n"
    yield "tab", b"x\ty\n1\t2\n\t\n"
    yield "bar", b"1|2\n3|4\n"
    yield "blanks", b"  1   2\t3 \n4 5 6\n"
    yield "comments", b"# a comment\n\n1,2\n# another\n3,4\n"
    yield "missing", b"1,,NA\nnan,N/A,null\n"
    yield "infinite", b"inf,-inf\n1e400,-1e400\n"
    yield "dos", b"a,b\r\n1,2\r\n"
    yield "mark", b"\xef\xbb\xbf1,2\n"
    yield "column", b"1\n2\n3\n"
    yield "no-newline", b"1,2\n3,4"
    yield "ragged", b"1,2\n3,4,5\n"
    yield "short-row", b"1,2,3\n4\n"
    yield "word", b"1,2\n3,four\n"
    yield "decimal-comma", b"1,5;2\n"
    yield "open-quote", b'1,"2\n3,4\n'
    yield "after-quote", b'"1"2,3\n'
    yield "only-header", b"a,b\n"
    yield "only-comments", b"# nothing\n\n"
    yield "empty", b""
    yield "separators", b",,,,\n,,,,\n"
    yield "nul", b"1,\x002\n"
    yield "utf16", "1,2\n".encode("utf-16")
    yield "long-number", b"1" * 600 + b",0." + b"3" * 600 + b"\n"
    yield "numbers", b"+1,-.5,1.,1e5,1E-5\n0x10,1_0,1 2,--1,e5\n"
    yield "gzip", gz(b"a,b\n1,2\n")
    yield "gzip-twice", gz(b"1,2\n") + gz(b"3,4\n")
    yield "gzip-truncated", gz(b"a,b\n1,2\n" * 20)[:-9]
    yield "gzip-bomb", gz(b"1," * 50000)
    yield "hdf5", b"\x89HDF\r\n\x1a\n" + bytes(8)


def corpus_libsvm():
    yield "plain", b"1 1:0.5 3:2\n-1 2:1\n"
    yield "qid", b"2 qid:10 1:3 # comment\n1 qid:10 2:4\n"
    yield "zero-based", b"1 0:1 2:1\n"
    yield "no-entries", b"1\n0\n"
    yield "comments", b"# head\n\n1 1:1\n"
    yield "only-comments", b"# head\n"
    yield "descending", b"1 3:1 2:1\n"
    yield "repeated", b"1 2:1 2:1\n"
    yield "negative", b"1 -1:1\n"
    yield "large", b"1 9223372036854775806:1\n"
    yield "too-large", b"1 9223372036854775807:1\n"
    yield "several-labels", b"1,2 1:1\n"
    yield "no-label", b"1:1 2:2\n"
    yield "no-value", b"1 1:\n"
    yield "no-colon", b"1 1:1 2\n"
    yield "word", b"1 1:one\n"
    yield "nan", b"nan 1:nan 2:inf\n"
    yield "gzip", gz(b"1 1:1\n")


def corpus_matrix_market():
    head = b"%%MatrixMarket matrix coordinate real "
    yield "general", head + b"general\n% note\n\n3 3 3\n1 1 1.5\n3 2 -2\n2 3 4\n"
    yield "sorted", head + b"general\n2 3 3\n1 1 1\n1 3 2\n2 2 3\n"
    yield "symmetric", head + b"symmetric\n2 2 2\n1 1 1\n2 1 3\n"
    yield "skew", head + b"skew-symmetric\n2 2 1\n2 1 3\n"
    yield "pattern", b"%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 1\n2 2\n"
    yield "integer", b"%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 7\n"
    yield "repeated", head + b"general\n2 2 3\n1 2 1\n1 1 5\n1 2 2\n"
    yield "array", b"%%MatrixMarket matrix array real general\n2 3\n1\n2\n3\n4\n5\n6\n"
    yield "array-line", b"%%MatrixMarket matrix array real general\n2 2\n1 2 3\n4\n"
    yield "array-symmetric", b"%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n"
    yield "array-skew", b"%%MatrixMarket matrix array real skew-symmetric\n3 3\n1\n2\n3\n"
    yield "complex", b"%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 2\n"
    yield "upper", head + b"symmetric\n2 2 1\n1 2 3\n"
    yield "not-square", head + b"symmetric\n2 3 1\n1 1 3\n"
    yield "outside", head + b"general\n2 2 1\n3 1 1\n"
    yield "zero", head + b"general\n2 2 1\n0 1 1\n"
    yield "too-few", head + b"general\n2 2 2\n1 1 1\n"
    yield "too-many", head + b"general\n2 2 1\n1 1 1\n2 2 2\n"
    yield "no-size", head + b"general\n"
    yield "huge-rows", head + b"general\n9000000000000000000 1 1\n1 1 1\n"
    yield "huge-entries", head + b"general\n2 2 9000000000000000000\n1 1 1\n"
    yield "huge-array", b"%%MatrixMarket matrix array real general\n3037000500 3037000500\n1\n"
    yield "huge-symmetric", b"%%MatrixMarket matrix array real symmetric\n9223372036854775807 9223372036854775807\n1\n"
    yield "empty-array", b"%%MatrixMarket matrix array real general\n0 9000000000000000000\n"
    yield "empty", head + b"general\n0 0 0\n"
    yield "banner", b"%%MatrixMarket\n1 1 1\n"
    yield "vector", b"%%MatrixMarket vector coordinate real general\n1 1 1\n1 1 1\n"


def corpus_idx():
    yield "u8", idx(8, (2, 2, 3), bytes(range(12)))
    yield "i16", idx(0x0B, (3,), struct.pack(">3h", 1, -2, 3))
    yield "i32", idx(0x0C, (1, 2), struct.pack(">2i", 1, -2))
    yield "f32", idx(0x0D, (2,), struct.pack(">2f", 1.5, -2))
    yield "f64", idx(0x0E, (2,), struct.pack(">2d", 1.5, -2))
    yield "i8", idx(9, (2,), b"\x01\xff")
    yield "type-0a", idx(0x0A, (2,), b"\x01\xff")
    yield "truncated", idx(8, (2, 2, 3), bytes(range(11)))
    yield "truncated-header", idx(8, (2, 2, 3), b"")[:9]
    yield "huge", idx(8, (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), b"1")
    yield "huge-empty", idx(8, (0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), b"")
    yield "empty", idx(8, (0, 28, 28), b"")
    yield "nine-dimensions", idx(8, (1,) * 9, b"1")
    yield "gzip", gz(idx(8, (2, 2, 3), bytes(range(12))))


def corpus_safetensors():
    a = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    b = {"dtype": "I64", "shape": [], "data_offsets": [8, 16]}
    data = struct.pack("<2fq", 1.5, -2, 3)
    yield "two", safetensors({"a": a, "b": b, "__metadata__": {"format": "pt"}}, data)
    yield "none", safetensors({})
    for dtype, size in (("F64", 8), ("F16", 2), ("BF16", 2), ("I32", 4), ("I16", 2), ("I8", 1), ("U64", 8), ("U32", 4),
                        ("U16", 2), ("U8", 1), ("BOOL", 1)):
        yield "type-" + dtype, safetensors({"x": {"dtype": dtype, "shape": [3], "data_offsets": [0, 3 * size]}},
                                           bytes(range(3 * size)))
    yield "f8", safetensors({"x": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, b"1")
    yield "outside", safetensors({"a": dict(a, data_offsets=[8, 16])}, data[:8])
    yield "negative", safetensors({"a": dict(a, data_offsets=[-8, 0])}, data)
    yield "backwards", safetensors({"a": dict(a, data_offsets=[8, 0])}, data)
    yield "overlap", safetensors({"a": a, "b": a, "c": a}, data)
    yield "wrong-size", safetensors({"a": dict(a, shape=[3])}, data)
    yield "huge-shape", safetensors({"a": dict(a, shape=[4611686018427387904, 8])}, data)
    yield "negative-shape", safetensors({"a": dict(a, shape=[-2])}, data)
    yield "nine-dimensions", safetensors({"a": dict(a, shape=[1] * 9)}, data)
    yield "one-offset", safetensors({"a": dict(a, data_offsets=[0])}, data)
    yield "no-dtype", safetensors({"a": {"shape": [2], "data_offsets": [0, 8]}}, data)
    yield "number", safetensors({"a": 1}, data)
    yield "list", safetensors(b"[1]", data)
    yield "repeated", safetensors(b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1}', data)
    yield "header-length", safetensors({"a": a}, data, length=1 << 24)
    yield "header-huge", safetensors({"a": a}, data, length=0xFFFFFFFFFFFFFFFF)
    yield "truncated", safetensors({"a": a}, data)[:20]
    yield "deep", safetensors(b'{"a":' + b"[" * 500)
    yield "odd-name", safetensors({"\u00e9/\"\n": a}, data)


def corpus_json():
    yield "matrix", b"[[1,2],[3,4]]"
    yield "vector", b"[1, 2.5, -3e-5]"
    yield "cube", b"[[[1],[2]],[[3],[4]]]"
    yield "empty", b"[]"
    yield "empty-rows", b"[[],[]]"
    yield "words", b'[null, NaN, Infinity, -Infinity, "nan", "inf", "-inf"]'
    yield "spaces", b" [\n [ 1 , 2 ] ,\r\n\t[ 3 , 4 ] ]\n"
    yield "ragged", b"[[1,2],[3]]"
    yield "ragged-depth", b"[1,[2]]"
    yield "ragged-depth2", b"[[1],2]"
    yield "ragged-empty", b"[[[]],[]]"
    yield "open", b"[[1,2"
    yield "close", b"[1]]"
    yield "comma", b"[1,]"
    yield "comma-first", b"[,1]"
    yield "no-comma", b"[1 2]"
    yield "word", b"[true]"
    yield "string", b'["one"]'
    yield "deep", b"[" * 9 + b"1" + b"]" * 9
    yield "very-deep", b"[" * 1500
    yield "eight", b"[" * 8 + b"1" + b"]" * 8
    yield "object", b'{"a": [1]}'
    yield "mark", b"\xef\xbb\xbf[1]"


def corpus_rows():
    for name, how, data in (
            ("npy", 6, npy("(5, 3)")), ("npy-fortran", 6, npy("(5, 3)", "<f4", fortran=True)),
            ("npy-vector", 0, npy("(5,)")), ("npy-cube", 0, npy("(1, 2, 3)")), ("npy-truncated", 6, npy("(5, 3)")[:-9]),
            ("npy-wide", 0, npy("(0, 9000000000000000000)", data=b"")),
            ("csv", 18, b"a,b\n1,2\n3,4\n5,6\n"), ("csv-three", 17, b"1,2,3\n4,5,6\n"), ("csv-two", 17, b"1,2\n"),
            ("csv-ragged", 16, b"1,2\n3\n"), ("csv-gzip", 18, gz(b"1,2\n3,4\n5,6\n")),
            ("libsvm", 2, b"1 1:1\n0 2:2 3:3\n1\n"), ("libsvm-three", 3, b"1 1:1\n0 2:2 3:3\n"),
            ("libsvm-wide", 1, b"1 4:1\n"), ("libsvm-zero", 0, b"1 0:1 4:1\n"), ("libsvm-zero-three", 1, b"1 0:1\n"),
            ("mtx", 4, b"%%MatrixMarket matrix coordinate real general\n4 3 3\n1 1 1\n1 1 2\n3 2 3\n"),
            ("mtx-unsorted", 4, b"%%MatrixMarket matrix coordinate real general\n4 3 2\n3 1 1\n1 1 2\n"),
            ("mtx-columns", 4, b"%%MatrixMarket matrix coordinate real general\n1 3 3\n1 3 1\n1 1 2\n1 3 4\n"),
            ("mtx-array", 4, b"%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n"),
            ("mtx-symmetric", 4, b"%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 3\n"),
            ("mtx-empty-rows", 14, b"%%MatrixMarket matrix coordinate real general\n9000000000000000000 3 1\n1 1 1\n"),
            ("idx", 2, idx(8, (3, 2, 2), bytes(range(12)))), ("idx-labels", 2, idx(8, (3,), b"123")),
            ("json", 0, b"[[1,2],[3,4]]"), ("npz", 0, archive([("x.npy", npy("(1,)"))]))):
        yield name, bytes([how]) + data


def corpus_tokenizer():
    doubled = [x for i in range(7) for x in (256 + i - 1 if i else 32,) * 2]
    for name, text in (
            ("byte", {"kind": "byte"}), ("char", {"kind": "char", "code_points": [10, 32, 97, 233, 8364, 0x1D11E]}),
            ("bpe", {"kind": "bpe", "merges": [32, 116, 104, 101, 256, 257, 34, 58]}),
            ("bpe-none", {"kind": "bpe", "merges": []}), ("bpe-longest", {"kind": "bpe", "merges": doubled}),
            ("bpe-too-long", {"kind": "bpe", "merges": doubled + [262, 262]}),
            ("bpe-ahead", {"kind": "bpe", "merges": [32, 256]}), ("bpe-odd", {"kind": "bpe", "merges": [32]}),
            ("bpe-twice", {"kind": "bpe", "merges": [32, 32, 32, 32]}),
            ("bpe-negative", {"kind": "bpe", "merges": [-1, 32]}),
            ("bpe-large", {"kind": "bpe", "merges": [1 << 40, 32]}),
            ("char-none", {"kind": "char", "code_points": []}),
            ("char-falls", {"kind": "char", "code_points": [98, 97]}),
            ("char-surrogate", {"kind": "char", "code_points": [0xD800]}),
            ("char-large", {"kind": "char", "code_points": [0x110000]}),
            ("char-real", {"kind": "char", "code_points": [97.5]}),
            ("word", {"kind": "word"}), ("no-kind", {"merges": []}), ("list", [1, 2]), ("number", 7)):
        yield name, json.dumps(text).encode()
    yield "empty", b""
    yield "open", b'{"kind":"bpe","merges":[1,'
    yield "deep", b"[" * 1500
    yield "repeated", b'{"kind":"byte","kind":"bpe"}'


def corpus_private_message():
    """Mode (and 4: sealed by the target), then a message of d = 3; see norma/private_protocol.h."""
    def header(mode, d=3, round_=0, version=1):
        return b"NP" + struct.pack("<BBIIQ", version, mode, d, round_, 0x0123456789ABCDEF)
    for mode, numbers in ((0, 9), (1, 3), (2, 3)):
        small = struct.pack("<%dq" % numbers, *(((-1) ** i * (1 << 40) * (i + 1)) for i in range(numbers)))
        for name, payload in (("small", small), ("zero", bytes(8 * numbers)), ("large", b"\xff" * (8 * numbers - 1) + b"\x7f"),
                              ("least", small[:-8] + bytes(7) + b"\x80")):
            yield "mode%d-%s" % (mode, name), bytes([mode | 4]) + header(mode) + payload + bytes(4)
    for name, sign in (("minus", 0), ("plus", 1), ("strange", 2)):
        yield "iht-" + name, bytes([7]) + header(3, round_=1) + bytes(range(8)) + bytes([sign]) + bytes(4)
    yield "unsealed", bytes([2]) + header(2) + bytes(28)
    yield "short", bytes([2]) + header(2)[:11]
    yield "other-mode", bytes([2]) + header(1) + bytes(28)
    yield "no-mode", bytes([2]) + header(200) + bytes(28)
    yield "other-d", bytes([2]) + header(2, d=1 << 30) + bytes(28)
    yield "version", bytes([2]) + header(2, version=9) + bytes(28)
    yield "only-mode", bytes([3])


def main():
    for name, make in sorted(globals().items()):
        if not name.startswith("corpus_"):
            continue
        folder = os.path.join(HERE, "corpus", name[len("corpus_"):])
        os.makedirs(folder, exist_ok=True)
        for old in os.listdir(folder):
            if not old.startswith(("crash-", "found-")):
                os.remove(os.path.join(folder, old))
        for seed, data in make():
            assert len(data) < 2048, (name, seed, len(data))
            with open(os.path.join(folder, seed), "wb") as out:
                out.write(data)


main()
