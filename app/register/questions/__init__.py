"""The questions that the record answers, each by one file; nothing here changes anything."""
