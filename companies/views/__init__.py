"""The doors for people: the list of companies, the page of one, and the workbook."""
