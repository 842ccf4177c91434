"""`{% lucide %}`: the library's icons, each drawn once.

The library copies an icon's XML and writes it out anew at every call, and a list calls it in every row.
Settings put this in the place of the library's own tag, so that templates say `{% load lucide %}`.
"""

from __future__ import annotations

from functools import lru_cache

from django import template
from lucide.templatetags.lucide import lucide as drawn

register = template.Library()
# As many as there are icons, sizes and labels in the templates, many times over.
lucide = register.simple_tag(lru_cache(maxsize=1000)(drawn), name="lucide")
