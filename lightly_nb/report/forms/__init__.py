"""The forms of a report: a page, a PDF, the platform's second JSON. Each draws the same blocks."""
