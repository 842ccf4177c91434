"""The demo: an agency's season on the simulator, from the workbook to the received policies."""
