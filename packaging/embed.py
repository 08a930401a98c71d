#!/usr/bin/env python3
"""Usage: embed.py FOLDER OUT.c DEPFILE. Writes the files of FOLDER as C data: what src/agent/pages.h declares.

index.html is served as "/", the others as "/assets/" and their path. A file of a kind that is not listed here stops the build:
what is embedded is served to browsers, and they must be told what it is.
"""
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    "VERSIONS": "text/plain; charset=utf-8",
}
NOT_SERVED = {"meson.build"}
LINE = 24


def pages(folder):
    """(path, type, bytes) of every file, by path."""
    found = []
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.name in NOT_SERVED:
            continue
        name = file.relative_to(folder).as_posix()
        kind = TYPES.get(file.suffix or file.name)
        if kind is None:
            sys.exit(f"embed.py: {file}: what type is this? Known: {', '.join(TYPES)}")
        found.append(("/" if name == "index.html" else f"/assets/{name}", kind, file.read_bytes()))
    if not any(path == "/" for path, _, _ in found):
        sys.exit(f"embed.py: {folder}: there is no index.html")
    return sorted(found)


def array(number, data):
    lines = [",".join(map(str, data[at:at + LINE])) for at in range(0, len(data), LINE)]
    # C has no empty arrays.
    return f"static const unsigned char bytes_{number}[] = {{\n" + ",\n".join(lines or ["0"]) + "\n};\n"


def row(number, path, kind, data):
    etag = hashlib.sha256(data).hexdigest()
    return f'    {{ "{path}", "{kind}", "{etag}", bytes_{number}, {len(data)} }},\n'


def main(folder, out, depfile):
    folder = pathlib.Path(folder)
    all_pages = pages(folder)
    with open(out, "w", encoding="ascii") as file:
        file.write("/* Made by packaging/embed.py from dashboard/. */\n#include \"agent/pages.h\"\n\n")
        for number, (_, _, data) in enumerate(all_pages):
            file.write(array(number, data))
        file.write("\nconst struct swgi_page swgi_pages[] = {\n")
        for number, page in enumerate(all_pages):
            file.write(row(number, *page))
        file.write(f"}};\nconst unsigned swgi_pages_count = {len(all_pages)};\n")
    with open(depfile, "w", encoding="utf-8") as file:
        files = " ".join(str(one).replace(" ", "\\ ") for one in sorted(folder.rglob("*")) if one.is_file())
        file.write(f"{out}: {files}\n")


if len(sys.argv) != 4:
    sys.exit(__doc__)
main(*sys.argv[1:])
