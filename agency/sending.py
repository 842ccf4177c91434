"""Files for people. The view that calls has looked at the person's rights; nothing here is public."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

# Inside the proxy alone: whoever asks for it from outside gets a 404.
_PROXY_PLACE = "/_files/"


def send_file(content: bytes, *, content_type: str, save_as: str = "") -> HttpResponse:
    """The file, to look at, or, with a name, to keep (RFC 6266, also for Chinese names)."""
    return _described(HttpResponse(content, content_type=content_type), save_as)


def send_stored(file: str, *, content_type: str, save_as: str = "") -> HttpResponse:
    """A file below `MEDIA_ROOT`: sent by the proxy (X-Accel-Redirect) where one is told to, else by us.

    Raises `Http404` where it is missing. Whole in one answer: ours are small.
    """
    root = Path(settings.MEDIA_ROOT).resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise Http404
    if not settings.FILES_BY_PROXY:
        return send_file(path.read_bytes(), content_type=content_type, save_as=save_as)
    response = HttpResponse(content_type=content_type)
    response.headers["X-Accel-Redirect"] = _PROXY_PLACE + quote(str(path.relative_to(root)))
    return _described(response, save_as)


def _described(response: HttpResponse, save_as: str) -> HttpResponse:
    if save_as:
        response.headers["Content-Disposition"] = content_disposition_header(True, save_as) or ""
    # A page that was kept as evidence is shown, and never run.
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
