"""A change manager pushes a series back by a week, with script off: one press fills the form, one preview tells of all."""

import re

from app.domain.access import Role


def test_a_series_is_pushed_back_by_a_week(alpha, sign_in, address):
    page = sign_in("alpha@example.org", Role.USER, "ALPHA", script=False, width=390)
    page.goto(address + "/notices/form")
    page.get_by_label("Gateway", exact=True).select_option("GW-A1")
    for fieldset, clock in (("Closes", "02:00"), ("Re-opens", "06:00")):
        pair = page.get_by_role("group", name=fieldset)
        pair.get_by_label("Date").fill("2027-03-14")
        pair.get_by_label("London time").fill(clock)
    page.get_by_label("Your reference").fill("CHG-77")
    page.get_by_label("Repeats", exact=True).and_(page.locator("select")).select_option("weekly")
    page.get_by_label("or a number of times").check()
    page.get_by_role("textbox", name="Number of times").fill("3")
    page.get_by_role("button", name="Show how much notice that is").click()
    page.get_by_role("button", name="Record this notice").click()

    page.goto(address + "/closures?q=CHG-77")
    page.locator(".closure-what a").first.click()
    page.get_by_role("link", name="Push back or change").click()
    page.get_by_role("button", name="A week later").click()
    assert page.get_by_role("group", name="Closes").get_by_label("Date").input_value() == "2027-03-21"
    page.get_by_label("the whole series").check()
    page.get_by_role("button", name="Show what that changes").click()
    assert "has 0 new, 3 changed, 0 withdrawn" in page.locator("main").inner_text()
    page.get_by_role("button", name="Record this notice").click()
    page.goto(address + "/closures?q=CHG-77")
    starts = [time.get_attribute("datetime") for time in page.locator(".closure-when time").all()]
    assert starts == ["2027-03-21T02:00:00Z", "2027-03-28T01:00:00Z", "2027-04-04T01:00:00Z"]
    assert len(re.findall("moved once", page.locator("main").inner_text())) == 3
