"""The part of Bootstrap that our pages use: the rules whose selectors name no class that is in none of our files."""

import re
from collections.abc import Iterator

_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
_WORD = re.compile(r"[A-Za-z][\w-]*")
_BESIDE_RULES = re.compile(r'@charset "[^"]*";|/\*.*?\*/', re.DOTALL)
_LICENCE = re.compile(r"/\*!.*?\*/", re.DOTALL)


def subset_of(sheet: str, texts: list[str]) -> str:
    """Return the rules of a minified style sheet that ``texts``, templates and scripts, may have a use for.

    Any word of the texts counts as the name of a class: too many rules stay, and none is missing. A rule without a
    class stays, and one of several selectors where one of them may be used.
    """
    words = frozenset(word for text in texts for word in _WORD.findall(text))
    licence = _LICENCE.search(sheet)
    return (licence.group() if licence else "") + _used(_BESIDE_RULES.sub("", sheet), words)


def _used(rules: str, words: frozenset[str]) -> str:
    return "".join(_kept(prelude, body, words) for prelude, body in _rules_of(rules))


def _kept(prelude: str, body: str, words: frozenset[str]) -> str:
    if prelude.startswith(("@media", "@supports")):
        inner = _used(body, words)
        return f"{prelude}{{{inner}}}" if inner else ""
    if prelude.startswith("@keyframes"):
        wanted = prelude.split()[1] in words
    else:
        wanted = any(words.issuperset(_CLASS.findall(selector)) for selector in prelude.split(","))
    return f"{prelude}{{{body}}}" if wanted else ""


def _rules_of(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before and between the outermost braces. No string of the sheet has a brace in it."""
    depth, begins, opened = 0, 0, 0
    for brace in re.finditer(r"[{}]", sheet):
        at = brace.start()
        if brace.group() == "{":
            if depth == 0:
                opened = at
            depth += 1
            continue
        depth -= 1
        if depth == 0:
            yield sheet[begins:opened].strip(), sheet[opened + 1 : at]
            begins = at + 1
