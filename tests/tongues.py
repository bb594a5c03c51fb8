"""The small made-up dataset that the tests serve and fetch."""

import io
import zipfile

CONTENT = {
    "Elvish.txt": "Fëanor\nLúthien\n".encode(),
    "Dwarvish.txt": b"Durin\nDurin\nThorin\n",
}


def archive(content, prefix="data/tongues/"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, payload in content.items():
            opened.writestr(prefix + name, payload)
    return stream.getvalue()
