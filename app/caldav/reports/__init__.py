"""One file for each report, and the rows that they answer with."""
