"""A Chinese font for screenshots and PDFs, where the system has none and would print boxes."""

from __future__ import annotations

import glob
import os
import subprocess
import sys
from xml.sax.saxutils import escape

from bootstrap.places import VAR, VENV

_CONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


def font_config() -> str | None:
    """The path of a fontconfig file that adds our font to the system's; None where none is needed."""
    if sys.platform == "darwin" or _system_has_chinese():
        return None
    (fonts,) = glob.glob(str(VENV / "lib" / "python3*" / "site-packages" / "noto_cjk_sans_otc"))
    file = VAR / "fonts" / "fonts.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        _CONFIG.format(fonts=escape(fonts), cache=escape(os.path.join(str(VAR), "fonts", "cache")))
    )
    return str(file)


def _system_has_chinese() -> bool:
    try:
        return bool(subprocess.run(["fc-list", ":lang=zh"], stdout=subprocess.PIPE).stdout.strip())
    except OSError:  # no fontconfig tools: a browser may still bring the library
        return False
