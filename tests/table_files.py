"""Small files as people have them, each with the reading that is right.

The right reading was written down from the file by hand, before any reader was run on it.
``values`` are the numbers to cluster by, ``names`` their columns (``None``: no header),
``left_out`` the columns that are not numbers to cluster by. ``stop`` is a part of the message where
no reading is safe.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    name: str
    content: bytes
    values: list | None = None
    names: list | None = None
    left_out: list = field(default_factory=list)
    stop: str | None = None
    options: dict = field(default_factory=dict)


def text(name, content, values=None, names=None, left_out=(), *, encoding="utf-8", **others):
    return Case(name, content.encode(encoding), values, names, list(left_out), **others)


POINTS = [[1.5, 2.25], [3.0, -4.5], [0.125, 6.0], [7.5, 8.0]]
XY = ["x", "y"]
COMMA = "x,y\n1.5,2.25\n3.0,-4.5\n0.125,6.0\n7.5,8.0\n"
ROWS = COMMA.split("\n", 1)[1]
INTEGERS = [[5, 7], [3, 9], [8, 1], [4, 4]]


def joined(rows, delimiter=",", end="\n"):
    return "".join(delimiter.join(map(str, row)) + end for row in rows)


def with_first(cells, head, delimiter=","):
    """Rows with a further first column, and a header."""
    body = zip(cells, ROWS.replace(",", delimiter).splitlines(), strict=True)
    return head + "\n" + "".join(f"{cell}{delimiter}{row}\n" for cell, row in body)


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("points.csv", COMMA)
    return stream.getvalue()


NBSP, NARROW, MINUS = "\u00a0", "\u202f", "\u2212"

DELIMITERS = [
    text("comma", COMMA, POINTS, XY),
    text("semicolon", COMMA.replace(",", ";"), POINTS, XY),
    text("tab", COMMA.replace(",", "\t"), POINTS, XY),
    text("pipe", COMMA.replace(",", "|"), POINTS, XY),
    text("pipe with blanks", COMMA.replace(",", " | "), POINTS, XY),
    text("comma and blank", COMMA.replace(",", ", "), POINTS, XY),
    text("blank", COMMA.replace(",", " "), POINTS, XY),
    text("many blanks", COMMA.replace(",", "    ").replace("\n", "\n   "), POINTS, XY),
    text(
        "fixed width",
        "     x      y\n   1.5   2.25\n   3.0   -4.5\n 0.125    6.0\n   7.5    8.0\n",
        POINTS,
        XY,
    ),
    text(
        "blanks before a tab",
        '1.5   8  3504.\t"chevrolet malibu"\n2.5   6  3693.\t"buick"\n',
        [[1.5, 8, 3504], [2.5, 6, 3693]],
        None,
        ["4"],
    ),
    text("tabs and blanks", "x y\n1.5\t2.25\n3.0 \t-4.5\n0.125 6.0\n7.5\t 8.0\n", POINTS, XY),
    text(
        "doubled tabs after row 50",
        "x\ty\n" + "1.5\t2.5\n" * 50 + "30.5\t\t4.5\n" * 3,
        [[1.5, 2.5]] * 50 + [[30.5, 4.5]] * 3,
        XY,
    ),
    text("missing cell between tabs", "x\ty\tz\n1.5\t2\t3\n1.5\t\t4\n", stop="is missing"),
    text(
        "sep line of Excel",
        "sep=;\r\nx;y\r\n1,5;2,25\r\n3,0;-4,5\r\n0,125;6,0\r\n7,5;8,0\r\n",
        POINTS,
        XY,
    ),
    text(
        "two words in every row",
        "city,x,y\nNew York,1.5,2\nLos Angeles,3,4\nSan Diego,5,6.5\n",
        [[1.5, 2], [3, 4], [5, 6.5]],
        XY,
        ["city"],
    ),
    text(
        "date and time beside commas",
        "t,x\n2020-01-01 10:00,1.5\n2020-01-02 11:30,2.5\n",
        [[1.5], [2.5]],
        ["x"],
        ["t"],
    ),
    text("one column", "x\n1.5\n2.5\n9\n", [[1.5], [2.5], [9]], ["x"]),
    text("one column without header", "1.5\n2.5\n9.5\n", [[1.5], [2.5], [9.5]]),
    text("one row", "x,y\n1.5,2\n", [[1.5, 2]], XY),
]

QUOTES = [
    text(
        "everything quoted",
        'x,y\n"1.5","2.25"\n"3.0","-4.5"\n"0.125","6.0"\n"7.5","8.0"\n',
        POINTS,
        XY,
    ),
    text(
        "quoted blank",
        '"a city",x\n"New York",1.5\n"Bonn",2.5\n',
        [[1.5], [2.5]],
        ["x"],
        ["a city"],
    ),
    text(
        "quoted blanks between blanks",
        'city x y\n"New York" 1.5 2\nBonn 3.5 4\n"El Paso" 5 6\n',
        [[1.5, 2], [3.5, 4], [5, 6]],
        XY,
        ["city"],
    ),
    text(
        "quoted delimiter",
        'name,x\n"Doe, Jane",1.5\n"Roe, Rick",2.5\n',
        [[1.5], [2.5]],
        ["x"],
        ["name"],
    ),
    text(
        "quoted line end", 'note,x\n"two\nlines",1.5\nplain,2.5\n', [[1.5], [2.5]], ["x"], ["note"]
    ),
    text("doubled quote", 'note,x\n"5"" pipe",1.5\nplain,2.5\n', [[1.5], [2.5]], ["x"], ["note"]),
    text(
        "escaped quote",
        'note,x\n"say \\"hi, you\\"",1.5\nplain,2.5\n',
        [[1.5], [2.5]],
        ["x"],
        ["note"],
    ),
    text(
        "single quotes",
        "'name','x'\n'Doe, Jane','1.5'\n'Roe, Rick','2.5'\n",
        [[1.5], [2.5]],
        ["x"],
        ["name"],
    ),
    text("quote never closed", 'note,x\n"open,1.5\nplain,2.5\n', stop="quote"),
]

NUMBERS = [
    text(
        "semicolons with decimal commas",
        "x;y\n1,5;2,25\n3,0;-4,5\n0,125;6,0\n7,5;8,0\n",
        POINTS,
        XY,
    ),
    text(
        "tabs with decimal commas", "x\ty\n1,5\t2,25\n3,0\t-4,5\n0,125\t6,0\n7,5\t8,0\n", POINTS, XY
    ),
    text("blanks with decimal commas", "x y\n1,5 2,25\n3,0 -4,5\n0,125 6,0\n7,5 8,0\n", POINTS, XY),
    text(
        "quoted decimal commas",
        'x,y\n"1,5","2,25"\n"3,0","-4,5"\n"0,125","6,0"\n"7,5","8,0"\n',
        POINTS,
        XY,
    ),
    text(
        "headerless semicolons with decimal commas",
        "1,5;2,25\n3,0;-4,5\n0,125;6,0\n7,5;8,0\n",
        POINTS,
    ),
    text(
        "thousands",
        'city,people\nA,"1,234"\nB,"12,345"\nC,"1,234,567"\n',
        [[1234], [12345], [1234567]],
        ["people"],
        ["city"],
    ),
    text(
        "thousands and decimals",
        'x,y\n"1,234.50",2\n"12,000.25",3\n',
        [[1234.5, 2], [12000.25, 3]],
        XY,
    ),
    text("German thousands", "x;y\n1.234,50;2\n12.000,25;3\n", [[1234.5, 2], [12000.25, 3]], XY),
    text(
        "French thousands",
        f"x;y\n1{NARROW}234,50;2\n12{NARROW}000,25;3\n",
        [[1234.5, 2], [12000.25, 3]],
        XY,
    ),
    text(
        "no-break thousands",
        f"x;y\n1{NBSP}234;2,5\n12{NBSP}000;3,5\n",
        [[1234, 2.5], [12000, 3.5]],
        XY,
    ),
    text("Swiss thousands", "x;y\n1'234.50;2\n12’000.25;3\n", [[1234.5, 2], [12000.25, 3]], XY),
    text("comma before three digits", "x;y\n1,234;5,678\n2,345;6,789\n", stop="--decimal"),
    text(
        "comma before three digits, said",
        "x;y\n1,234;5,678\n2,345;6,789\n",
        [[1.234, 5.678], [2.345, 6.789]],
        XY,
        options={"decimal": ","},
    ),
    text(
        "comma before three digits, said to be thousands",
        "x;y\n1,234;5,678\n2,345;6,789\n",
        [[1234, 5678], [2345, 6789]],
        XY,
        options={"decimal": "."},
    ),
    text("point before three digits", "x\ty\n1.234\t5.678\n2.345\t6.789\n", stop="--decimal"),
    text(
        "three decimals", "x\ty\n0.234\t5.678\n2.345\t6.789\n", [[0.234, 5.678], [2.345, 6.789]], XY
    ),
    text("one cell decides", "x;y\n1,234;5,67\n2,345;6,789\n", [[1.234, 5.67], [2.345, 6.789]], XY),
    text("two decimal marks", "x;y\n1,5;2.5\n2,5;3.5\n", stop="decimal"),
    text("true minus sign", f"x,y\n1.5,2.25\n3.0,{MINUS}4.5\n0.125,6.0\n7.5,8.0\n", POINTS, XY),
    text("exponents", "x,y\n1.5e0,2.25E+00\n3e0,-45e-1\n1.25E-1,6\n7.5,8\n", POINTS, XY),
    text(
        "Fortran exponents",
        "x y\n1.5D+00 2.25D+00\n3.0D+00 -4.5D+00\n1.25D-01 6.0D+00\n7.5D+00 8.0D+00\n",
        POINTS,
        XY,
    ),
    text("signs and bare points", "x,y\n+1.5,2.25\n3.,-4.5\n.125,6\n7.5,8\n", POINTS, XY),
    text("infinite", "x,y\n1.5,2\ninf,3\n2.5,1\n", stop="not finite"),
    text("percent", "x,share\n1.5,12%\n2.5,30%\n", stop="share"),
    text("currency", 'x,price\n1.5,"$1,200.50"\n2.5,$30.00\n', stop="price"),
    text("LIBSVM", "1 1:0.5 2:0.3\n0 1:0.4 2:0.1\n1 1:0.3 2:0.2\n", stop="not a number"),
    text("complex", "x,z\n1.5,1+2j\n2.5,2-1j\n", stop="'z'"),
    text("bounds", "x,lead\n1.5,<0.5\n2.5,<0.1\n", stop="'lead'"),
    text("intervals", "x,y\n1.5,1.5±0.1\n2.5,2.5±0.2\n", stop="'y'"),
    text("hexadecimal", "x,y\n1.5,0x1F\n2.5,0x2A\n", stop="'y'"),
    text(
        "dates without marks", "day,x\n20200131,1.5\n20200201,2.5\n", [[1.5], [2.5]], ["x"], ["day"]
    ),
    text("times", "x,at\n1.5,12:30\n2.5,07:15:30\n", [[1.5], [2.5]], ["x"], ["at"]),
    text("postal codes", "x,zip\n1.5,01234\n2.5,99501\n", stop="codes"),
    text("trailing minus", "x,y\n1.5,12-\n2.5,30-\n", stop="'y'"),
    text("a unit in one row", "x,y\n1.5,12\n2.5,30\n3.5,14 kg\n", stop="'14 kg' is not a number"),
    text("dates", "day,x\n2020-01-01,1.5\n2020-01-02,2.5\n", [[1.5], [2.5]], ["x"], ["day"]),
    text(
        "dates with points",
        "day;x\n01.02.2020;1,5\n02.02.2020;2,5\n",
        [[1.5], [2.5]],
        ["x"],
        ["day"],
    ),
    text(
        "true and false",
        "x,ok\n1.5,True\n2.5,False\n3.5,True\n",
        [[1.5], [2.5], [3.5]],
        ["x"],
        ["ok"],
    ),
]

HEADERS = [
    text("integers without header", joined(INTEGERS), INTEGERS),
    text("decimals without header", ROWS, POINTS),
    text("pandas header 0, 1", "0,1\n" + ROWS, POINTS, ["0", "1"]),
    text("pandas header 0, 1, 2 of integers", "0,1,2\n5,7,1\n3,9,2\n8,1,1\n", stop="--header"),
    text(
        "pandas header of many integers",
        "0,1,2,3,4,5\n5,7,1,0,0,2\n3,9,2,7,7,1\n8,1,1,3,2,2\n",
        [[5, 7, 1, 0, 0, 2], [3, 9, 2, 7, 7, 1], [8, 1, 1, 3, 2, 2]],
        list("012345"),
    ),
    text("two columns that count up", "0,1\n2,3\n4,5\n", stop="--header"),
    text(
        "count up without header",
        "0,1,2,3\n4,5,6,7\n8,9,10,11\n",
        [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]],
    ),
    text(
        "years",
        "country,2019,2020,2021\nA,1.5,2,3\nB,4,5,6.5\n",
        [[1.5, 2, 3], [4, 5, 6.5]],
        ["2019", "2020", "2021"],
        ["country"],
    ),
    text(
        "years alone",
        "2019,2020\n1.5,2.25\n3.0,-4.5\n0.125,6.0\n7.5,8.0\n",
        POINTS,
        ["2019", "2020"],
    ),
    text("years above years", "country,2019,2020\nA,1990,1995\nB,2001,2003\n", stop="--header"),
    text("a row like its neighbours", "1,2\n1,2\n2,1\n", [[1, 2], [1, 2], [2, 1]]),
    text(
        "header declared", "7,9\n5,7\n3,9\n", [[5, 7], [3, 9]], ["7", "9"], options={"header": True}
    ),
    text("header denied", "0,1\n" + ROWS, [[0, 1], *POINTS], options={"header": False}),
    text("a name among numbers", "x,1\n1.5,2\n2.5,3\n", [[1.5, 2], [2.5, 3]], ["x", "1"]),
    text("commented header", "# x y\n" + ROWS.replace(",", " "), POINTS, XY),
    text("commented header with commas", "#x,y\n" + ROWS, POINTS, XY),
    text("comments", "# made by hand\n# two lines\n" + COMMA + "# end\n", POINTS, XY),
    text("percent comments", "% a comment, with a comma\n" + ROWS.replace(",", " "), POINTS),
    text(
        "hash colours",
        "colour,x\n#ff0000,1.5\n#00ff00,2.5\n#0000ff,3.5\n",
        [[1.5], [2.5], [3.5]],
        ["x"],
        ["colour"],
    ),
    text(
        "labels last, without header",
        "5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,3.3,virginica\n",
        [[5.1, 3.5], [4.9, 3.0], [6.3, 3.3]],
        None,
        ["3"],
    ),
    text(
        "labels last",
        "sepal,petal,species\n5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,3.3,virginica\n",
        [[5.1, 3.5], [4.9, 3.0], [6.3, 3.3]],
        ["sepal", "petal"],
        ["species"],
    ),
    text(
        "labels as numbers",
        "label,x,y\n0,1.5,2\n1,3.5,4\n0,5.5,6\n1,7.5,8\n",
        [[1.5, 2], [3.5, 4], [5.5, 6], [7.5, 8]],
        XY,
        ["label"],
    ),
    text("units below the header", "x,y\ncm,kg\n1.5,2\n2.5,3\n", stop="not a number"),
    text("one name twice", "x,x\n1.5,2\n2.5,3\n", [[1.5, 2], [2.5, 3]], ["x", "x"]),
]

ROW_NUMBERS = [
    text("pandas index", with_first(range(4), ",x,y"), POINTS, XY, ["1"]),
    text("Unnamed: 0", with_first(range(4), "Unnamed: 0,x,y"), POINTS, XY, ["Unnamed: 0"]),
    text("index", with_first(range(4), "index,x,y"), POINTS, XY, ["index"]),
    text("rownames", with_first(range(1, 5), "rownames,x,y"), POINTS, XY, ["rownames"]),
    text("X of R", with_first(range(1, 5), "X,length,width"), POINTS, ["length", "width"], ["X"]),
    text(
        "quoted names of R",
        with_first(['"1"', '"2"', '"3"', '"4"'], '"","x","y"'),
        POINTS,
        XY,
        ["1"],
    ),
    text("pandas index above 0, 1", with_first(range(4), ",0,1"), POINTS, ["0", "1"], ["1"]),
    text("some rows of a pandas table", with_first([7, 2, 19, 4], ",x,y"), POINTS, XY, ["1"]),
    text(
        "write.table",
        'x y\n"1" 1.5 2.25\n"2" 3.0 -4.5\n"3" 0.125 6.0\n"4" 7.5 8.0\n',
        POINTS,
        XY,
        ["1"],
    ),
    text(
        "write.table with names",
        '"x" "y"\n"A b" 1.5 2.25\n"C" 3.0 -4.5\n"D" 0.125 6.0\n"E" 7.5 8.0\n',
        POINTS,
        XY,
        ["1"],
    ),
    text(
        "trailing delimiter below the header only",
        "x,y\n1.5,2.25,\n3.0,-4.5,\n0.125,6.0,\n7.5,8.0,\n",
        POINTS,
        XY,
    ),
    text("identifiers", with_first([1004, 1010, 1001, 1023], "id,x,y"), POINTS, XY, ["id"]),
    text(
        "repeated identifiers",
        with_first([7, 7, 9, 9], "subject_id,x,y"),
        POINTS,
        XY,
        ["subject_id"],
    ),
    text(
        "a name that ends in ID",
        with_first([1, 0, 1, 0], "COVID,x,y"),
        [[1, 1.5, 2.25], [0, 3.0, -4.5], [1, 0.125, 6.0], [0, 7.5, 8.0]],
        ["COVID", "x", "y"],
    ),
    text("a grid named X beside Y", "X,Y\n1,2.5\n2,3.5\n3,9.5\n4,1.5\n", stop="--columns"),
    text("a count without a header", "1 1.5\n2 3.5\n3 0.5\n4 7.5\n5 2.5\n", stop="--columns"),
    text(
        "a count without a header, chosen",
        "1 1.5\n2 3.5\n3 0.5\n4 7.5\n5 2.5\n",
        [[1.5], [3.5], [0.5], [7.5], [2.5]],
        options={"columns": [2]},
    ),
]

MISSING = [
    text(f"missing as {mark!r}", f"x,y,z\n1.5,2,3\n{mark},4,5\n2.5,6,7\n", stop="is missing")
    for mark in (
        "",
        "NA",
        "nan",
        "NaN",
        "NULL",
        "null",
        "None",
        "N/A",
        "n/a",
        "?",
        "-",
        "#N/A",
        ".",
    )
] + [
    text(
        "trailing empty columns",
        "x,y,,\n1.5,2.25,,\n3.0,-4.5,,\n0.125,6.0,,\n7.5,8.0,,\n",
        POINTS,
        XY,
    ),
    text("trailing delimiter", "x,y,\n1.5,2.25,\n3.0,-4.5,\n0.125,6.0,\n7.5,8.0,\n", POINTS, XY),
    text("trailing delimiter without header", ROWS.replace("\n", ",\n"), POINTS),
    text("empty lines", "\nx,y\n\n1.5,2.25\n3.0,-4.5\n\n0.125,6.0\n7.5,8.0\n\n\n", POINTS, XY),
    text("lines of delimiters", COMMA + ",\n,\n", POINTS, XY),
    text("a longer row", "x,y\n1,2\n1,2,3\n4,5\n", stop="line 3"),
    text("a shorter row", "x,y,z\n1,2,3\n1,2\n4,5,6\n", stop="line 3"),
    text("title above the table", "Results of 2020\n\nx,y\n1.5,2\n2.5,3\n", stop="line"),
    text("empty", "", stop="is empty"),
    text("blank lines only", "\n \n", stop="is empty"),
    text("header only", "x,y\n", stop="no rows"),
    text("text only", "name,city\nAnn,Bonn\nBob,Rome\n", stop="no column of numbers"),
]

ENCODINGS = [
    text("UTF-8 with byte-order mark", COMMA, POINTS, XY, encoding="utf-8-sig"),
    text("UTF-16 with byte-order mark", COMMA, POINTS, XY, encoding="utf-16"),
    Case("UTF-16 big-endian", b"\xfe\xff" + COMMA.encode("utf-16-be"), POINTS, XY),
    text("UTF-16 without byte-order mark", COMMA, POINTS, XY, encoding="utf-16-le"),
    text("UTF-16 big-endian without mark", COMMA, POINTS, XY, encoding="utf-16-be"),
    text("Latin-1", COMMA.replace("x", "größe"), POINTS, ["größe", "y"], encoding="latin-1"),
    text("Windows-1252", COMMA.replace("x", "€"), POINTS, ["€", "y"], encoding="cp1252"),
    text("UTF-8 names", COMMA.replace("x", "größe"), POINTS, ["größe", "y"]),
    text("Windows line ends", COMMA.replace("\n", "\r\n"), POINTS, XY),
    text("old Mac line ends", COMMA.replace("\n", "\r"), POINTS, XY),
    text("no last line end", COMMA.rstrip("\n"), POINTS, XY),
    Case("binary", bytes(range(256)) * 4, stop="not text"),
]

CONTAINERS = [
    Case("gzip", gzip.compress(COMMA.encode()), POINTS, XY),
    Case("bzip2", bz2.compress(COMMA.encode()), POINTS, XY),
    Case("xz", lzma.compress(COMMA.encode()), POINTS, XY),
    Case("zip", zipped(), POINTS, XY),
    Case("gzip cut short", gzip.compress(COMMA.encode())[:-12], stop="gzip"),
    Case("old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), stop="xlsx"),
    text("JSON", '[{"x": 1.5, "y": 2}, {"x": 2, "y": 3}]', stop="JSON"),
    text("HTML", "<!DOCTYPE html><html><table><tr><td>1</td></tr></table>", stop="HTML"),
]

CASES = [
    *DELIMITERS,
    *QUOTES,
    *NUMBERS,
    *HEADERS,
    *ROW_NUMBERS,
    *MISSING,
    *ENCODINGS,
    *CONTAINERS,
]
