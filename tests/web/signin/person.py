"""Somebody with an account, in a browser of their own, doing what the pages ask."""

import re

import pyotp

PASSWORD = "correct horse battery staple"


def hidden(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page.text)[1]


def code_of(secret, clock):
    return pyotp.TOTP(secret).at(clock())


class Person:
    """Somebody with an account and a browser."""

    def __init__(self, client, csrf, clock, email):
        self.client, self.csrf, self.clock, self.email = client, csrf, clock, email
        self.secret, self.codes = "", []

    def post(self, path, page_at=None, **fields):
        page = self.client.get(page_at or path)
        return self.client.post(path, data={"csrf_token": self.csrf(page), **fields})

    def follow(self, link):
        """Use a one-time link, by its token or path."""
        return self.post(f"/sign-in/{link.rpartition('/')[2]}")

    def choose_password(self, password=PASSWORD):
        return self.post("/set-up/password", password=password, password_again=password)

    def add_factor(self):
        page = self.client.get("/set-up/second-factor")
        self.secret = hidden(page, "authenticator")
        fields = {name: hidden(page, name) for name in ("form_id", "authenticator")}
        code = code_of(self.secret, self.clock)
        answer = self.client.post(
            "/set-up/second-factor", data={"csrf_token": self.csrf(page), "one_time_code": code, **fields}
        )
        self.codes = re.findall(r"<code>([0-9a-z]{5}-[0-9a-z]{5})</code>", self.client.get(answer.location).text)
        self.clock.forward(seconds=30)
        return answer

    def sign_out(self):
        is_in = self.client.get("/account").status_code == 200
        self.post("/sign-out", "/account" if is_in else "/sign-in/second-factor")

    def sign_in(self, password=PASSWORD, email=None):
        return self.post("/sign-in", email=email or self.email, password=password)

    def code(self):
        """Return a code that was not used yet."""
        self.clock.forward(seconds=30)
        return code_of(self.secret, self.clock)

    def give_code(self, code=None):
        return self.post("/sign-in/second-factor", one_time_code=code or code_of(self.secret, self.clock))
