"""What a page weighs on the wire: the first view little, a later one no static file at all."""

SIZES = """() => [performance.getEntriesByType("navigation")[0].transferSize,
  ...performance.getEntriesByType("resource").map(one => one.transferSize)]"""


def test_a_first_view_is_small_and_later_ones_ask_for_no_file(dcc_page, chromium, address, alpha, give, announce):
    for number in range(20):
        give(alpha, announce(f"u{number}", f"2026-12-{number + 1:02}T02:00"))
    cookies = dcc_page.context.cookies()
    for path in ("/", "/horizon", "/closures", "/wall"):
        context = chromium.new_context()
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(address + path, wait_until="networkidle")
        assert sum(page.evaluate(SIZES)) <= 60_000
        page.goto(address + path, wait_until="networkidle")
        assert page.evaluate(SIZES)[1:] == [0] * len(page.evaluate(SIZES)[1:])
        context.close()
