"""The month for an admin: what moved, counted, and as files to take away."""

from renewals.domain.reporting.files import write_csv, write_xlsx
from renewals.domain.reporting.month import MonthRow, StageCell, Totals, month_rows, totals

__all__ = ["MonthRow", "StageCell", "Totals", "month_rows", "totals", "write_csv", "write_xlsx"]
