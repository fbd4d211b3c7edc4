"""The examples of docs/api.md do what the page says."""

import re
import shlex
from html import unescape
from pathlib import Path

from app.register.people.enrolment import issue_token
from app.web.api.contract import OPERATIONS
from tests.conftest import NOW

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
ORIGIN = "https://closures.example.org"


def examples():
    """Every command of the page with the status that it says, in order."""
    blocks = re.findall(r"^```\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [
        found for block in blocks for found in re.findall(r"^(curl .*?)\n(\d{3})$", block, re.DOTALL | re.MULTILINE)
    ]


def run(client, command, token, reference):
    words = iter(shlex.split(command.replace("CN-...", reference))[1:])
    method, headers, body, auth, url = None, {}, None, None, None
    for word in words:
        if word == "-u":
            name, password = next(words).split(":")
            auth = (name, token if password == "TOKEN" else password)
        elif word == "-H":
            name, value = next(words).split(": ", 1)
            headers[name] = value
        elif word in ("-d", "--data-binary"):
            body = next(words).encode()
        elif word == "-X":
            method = next(words)
        else:
            url = word
    method = method or ("POST" if body is not None else "GET")
    return client.open(url.removeprefix(ORIGIN), method=method, headers=headers, data=body, auth=auth)


def test_every_example_does_what_the_page_says(web, store, alpha):
    client = web.test_client()
    _, token = issue_token(store, label="x", now=NOW, user_code="ALPHA")
    found, reference = [], ""
    for command, _ in examples():
        answer = run(client, command, token, reference)
        found.append((command, str(answer.status_code)))
        if not reference:
            reference = answer.json["accepted"][0]["reference"]
    assert found == examples()
    assert len(found) == PAGE.read_text(encoding="utf-8").count("\ncurl ") == 21


def test_a_page_leads_to_the_next(web, store, alpha):
    client = web.test_client()
    _, token = issue_token(store, label="x", now=NOW, user_code="ALPHA")
    links = [
        run(client, command, token, "").headers.get("Link") for command, _ in examples() if "CN-..." not in command
    ]
    assert [link.endswith('; rel="next"') for link in links if link] == [True]


def test_every_question_that_the_page_lists_takes_what_it_says(web):
    text = (PAGE.parent / "questions.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    asked = [found for line in table for found in re.findall(r"`([a-z-]+(?:/[A-Za-z]+)*\?[^` ]*)`", line)]
    asked += re.findall(r"^`([a-z-]+\?[^` ]*)` lists", text, re.MULTILINE)
    rules = web.url_map.bind("x")
    strange = []
    for one in asked:
        path, _, query = one.partition("?")
        endpoint, values = rules.match("/api/v1/" + path.replace("REF", "CN-0123456789"))
        known = {parameter.name for parameter in OPERATIONS[endpoint].parameters} | set(values)
        strange += [(one, name) for part in query.split("&") if (name := part.partition("=")[0]) not in known]
    assert strange == []
    assert len(asked) >= 15


def test_the_page_lists_every_operation_with_a_curl_line_and_every_shape_with_its_types(web):
    client = web.test_client()
    page, document = client.get("/api/v1/docs").text, client.get("/api/v1/openapi.json").json
    operations = [(method, path, one) for path, methods in document["paths"].items() for method, one in methods.items()]
    anchors = [f"{method}-{one['operationId']}" for method, _, one in operations]
    contents = page.partition('id="contents"')[2].partition("</nav>")[0]
    assert re.findall(r'href="#([\w-]+)"', contents) == [*anchors, "shapes"]
    assert re.findall(r'<h2 class="h4" id="([\w-]+)"', page) == anchors
    lines = [unescape(line) for line in re.findall(r"<pre [^>]*>(.*?)</pre>", page, re.DOTALL)]
    assert [line.split("'")[-2].partition("?")[0] for line in lines] == [
        f"{document['servers'][0]['url']}{path}" for _, path, _ in operations
    ]
    assert f"curl -u CODE:APP-PASSWORD '{document['servers'][0]['url']}/notice-period?start=START'" in lines
    named = set(re.findall(r'id="shape-(\w+)"', page))
    assert named == set(document["components"]["schemas"])
    assert set(re.findall(r'href="#shape-(\w+)"', page)) <= named


def test_connect_leads_to_it(alpha_client):
    assert 'href="/api/v1/docs"' in alpha_client.get("/connect").text
