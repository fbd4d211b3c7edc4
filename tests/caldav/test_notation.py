import pytest
from lxml import etree

from app.caldav.notation import element, escape


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a & <b> \"c\" 'd' ]]>", "a & <b> \"c\" 'd' ]]>"),
        ("a\r\nb\rc\td\n", "a\r\nb\rc\td\n"),
        ("a\x00b\x08c\x1f", "a\ufffdb\ufffdc\ufffd"),
        ("ü\ud800\ufffe\uffff𝄞", "ü\ufffd\ufffd\ufffd𝄞"),
        ("", ""),
    ],
)
def test_every_text_can_be_written_and_is_read_as_it_was(text, read):
    assert (etree.fromstring(f"<a>{escape(text)}</a>").text or "") == read


@pytest.mark.parametrize("name", ["{DAV:}prop", "{urn:x'y&z}odd", "bare", "{urn:ietf:params:xml:ns:caldav}comp"])
def test_every_name_is_written_so_that_it_is_read_again(name):
    declared = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    assert etree.fromstring(f"<r {declared}>{element(name)}{element(name, 'x')}</r>")[1].tag == name
