"""The e-policy (电子保单) as a real PDF, made per company."""

from __future__ import annotations

from io import BytesIO

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from .companies import Company
from .world import Policy

INSURER = "中国出口信用保险公司"

# A standard font of every PDF reader for Simplified Chinese: needs no font file of ours.
_FONT = "STSong-Light"
_WIDTH, _HEIGHT = A4
_BLUE = HexColor("#0b4ea2")
_FAINT_RED = Color(0.8, 0.1, 0.1, alpha=0.12)
_TERMS = (
    "一、本保险单承保投保人在保险期间内以信用证或非信用证方式出口的应收货款。",
    "二、投保人应按约定申报出口，并在知悉风险后及时通知保险人。",
    "三、本保险单以电子形式签发，与纸质保险单具有同等效力。",
)


def policy_file(policy: Policy, company: Company) -> bytes:
    """The whole PDF of this company's policy. Each page says 仿真环境."""
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    canvas.setTitle(f"小微信保易保险单 {policy.number}")
    canvas.setAuthor(INSURER)
    _draw_watermark(canvas)
    _draw_head(canvas, policy)
    below = _draw_facts(canvas, policy, company)
    _draw_terms(canvas, below)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_watermark(canvas: Canvas) -> None:
    canvas.saveState()
    canvas.setFillColor(_FAINT_RED)
    canvas.setFont(_FONT, 64)
    canvas.translate(_WIDTH / 2, _HEIGHT / 2)
    canvas.rotate(35)
    canvas.drawCentredString(0, 0, "仿真环境 样张无效")
    canvas.restoreState()


def _draw_head(canvas: Canvas, policy: Policy) -> None:
    canvas.setFillColor(_BLUE)
    canvas.setFont(_FONT, 20)
    canvas.drawCentredString(_WIDTH / 2, _HEIGHT - 40 * mm, INSURER)
    canvas.setFont(_FONT, 15)
    canvas.drawCentredString(_WIDTH / 2, _HEIGHT - 50 * mm, f"小微信保易保险单（{policy.year} 年度）")
    canvas.setStrokeColor(_BLUE)
    canvas.line(25 * mm, _HEIGHT - 56 * mm, _WIDTH - 25 * mm, _HEIGHT - 56 * mm)


def _draw_facts(canvas: Canvas, policy: Policy, company: Company) -> float:
    """Draw the facts; the height below them."""
    facts = (
        ("保险单号", policy.number),
        ("投保人", company.name),
        ("统一社会信用代码", company.uscc),
        ("保险期间", f"{policy.valid_from.isoformat()} 至 {policy.valid_to.isoformat()}"),
        ("保险人", INSURER),
        ("保险费", "由地方政府统一支付"),
    )
    height: float = _HEIGHT - 70 * mm
    canvas.setFillColor(HexColor("#222222"))
    canvas.setFont(_FONT, 12)
    for name, value in facts:
        canvas.drawString(30 * mm, height, f"{name}：{value}")
        height -= 10 * mm
    return height


def _draw_terms(canvas: Canvas, height: float) -> None:
    canvas.setFont(_FONT, 10)
    for term in _TERMS:
        height -= 7 * mm
        canvas.drawString(30 * mm, height, term)
