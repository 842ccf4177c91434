"""The initials of a company's name, by which people look for it: 广州市宏达贸易有限公司 is gzshdmyyxgs.

They stand in a column of their own: searched with the name, and what a list in Chinese is sorted by.
"""

from __future__ import annotations

from django.db import models


def initials_of(name: str) -> str:
    """The first letter of each character's pinyin, lower case; letters and digits stay, the rest goes."""
    from pypinyin import Style, lazy_pinyin  # its dictionary takes memory: only where a name is written

    letters = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()
    return "".join(sign for sign in letters if sign.isascii() and sign.isalnum())


class InitialsField(models.CharField):  # type: ignore[type-arg]  # not generic at run time
    """The initials of the row's `name`, written whenever the row is: by `save` and in bulk alike."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        initials = initials_of(getattr(model_instance, "name"))[: self.max_length]  # noqa: B009
        setattr(model_instance, self.attname, initials)
        return initials
