"""Giving notice by page: an upload or a form, its preview, and its receipts."""
