"""The report's sections, one module each: from cells to tables."""
