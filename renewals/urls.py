"""The addresses of renewals, for staff, admins and clients."""

from __future__ import annotations

from django.urls import path

from renewals.views import (
    acts,
    attention,
    batch,
    board,
    client,
    desk,
    files,
    queue,
    renewal,
    report,
    standstill,
    today,
)

app_name = "renewals"
urlpatterns = [
    path("today/", today.today, name="today"),
    path("today/numbers/", today.numbers, name="today_numbers"),
    path("attention/", attention.attention, name="attention"),
    path("attention/moved/", attention.moved, name="attention_moved"),
    path("attention/<uuid:renewal_id>/act/", attention.act, name="deed"),
    path("board/", board.board, name="board"),
    path("board/changes/", board.changes, name="changes"),
    path("board/rows/", board.rows, name="rows"),
    path("board/views/", board.save_view, name="save_view"),
    path("board/views/<uuid:view_id>/delete/", board.delete_view, name="delete_view"),
    path("renewals/act/", acts.preview, name="act"),
    path("renewals/act/confirm/", acts.carry_out, name="carry_out"),
    path("renewals/<uuid:renewal_id>/", renewal.renewal, name="renewal"),
    path("renewals/<uuid:renewal_id>/live/", renewal.live, name="live"),
    path("renewals/<uuid:renewal_id>/proof/", renewal.proof, name="proof"),
    path("queue/", queue.preview, name="queue"),
    path("queue/confirm/", queue.confirm, name="queue_confirm"),
    path("batches/", batch.batches, name="batches"),
    path("batches/<uuid:batch_id>/", batch.batch, name="batch"),
    path("batches/<uuid:batch_id>/head/", batch.head, name="batch_head"),
    path("batches/<uuid:batch_id>/pause/", batch.pause, name="batch_pause"),
    path("batches/<uuid:batch_id>/resume/", batch.resume, name="batch_resume"),
    path("desks/", desk.desks, name="desks"),
    path("desks/<slug:code>/", desk.desk, name="desk"),
    path("desks/<slug:code>/live/", desk.live, name="desk_live"),
    path("desks/<slug:code>/pin/", desk.pin, name="desk_pin"),
    path("desks/<slug:code>/card/", desk.card, name="desk_card"),
    path("desks/<slug:code>/pause/", desk.pause, name="desk_pause"),
    path("desks/<slug:code>/resume/", desk.resume, name="desk_resume"),
    path("run-sheet/", desk.sheet, name="run_sheet"),
    path("evidence/<uuid:evidence_id>/", files.evidence, name="evidence"),
    path("policies/<uuid:policy_id>/", files.policy, name="policy"),
    path("mine/", client.mine, name="mine"),
    path("reports/month/", report.month, name="report"),
    path("reports/month/<str:kind>/", report.download, name="report_download"),
    path("installation/", standstill.page, name="standstill"),
    path("installation/stand-still/", standstill.begin, name="standstill_begin"),
    path("installation/go-on/", standstill.end, name="standstill_end"),
]
