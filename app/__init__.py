"""Planned gateway closures: a notice comes in, is recorded for good, and goes out in an authenticated feed.

```
        notice in                          record                          feed out
 web/form, upload, api ─┐                                          ┌─ web/feed      .ics .json jCal
 caldav/                ├─► intake ─► Notice ─► register ─► publishing ─► feeds ─┤
 jobs/pulls, mailbox ───┘                          ▲   │                   └─ web/schedule  pages
                                       jobs/sweep ─┘   └─► store  (sealed by security)
                       the rules that everybody asks: domain
```

Imports run one way (pyproject.toml, import-linter): doors > publishing > register, intake > store > security >
settings > ical > domain. ``ical`` reads calendar lines for whoever meets any. ``feeds`` imports nothing of ours.
"""
