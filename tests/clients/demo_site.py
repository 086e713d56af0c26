"""The server with its demo data, and a person whose browser knows forms and cookies, no scripts."""

import asyncio
import json
import os
import sys
import traceback
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

with open(os.environ["DEMO"], encoding="utf-8") as file:
    demo = json.load(file)
issuer = demo["issuer"]
ada = next(user for user in demo["users"] if user["username"] == "acme/ada@acme.example")
# What a client registers that the demo does not have: a page nobody serves is enough.
CALLBACK = "http://127.0.0.1:9997/callback"

_flows = []


def at(path):
    return issuer + path


def flow(name):
    """Marks one thing that a client does; `run` goes through them in the order of the file."""
    return lambda steps: _flows.append((name, steps))


def run():
    wanted = os.environ["FLOWS"].split()
    chosen = [(name, steps) for name, steps in _flows if not wanted or name in wanted]
    if len(chosen) < max(len(wanted), 1):
        sys.exit(f"there is no such flow: {wanted}")
    failed = False
    for name, steps in chosen:
        try:
            result = steps()
            if asyncio.iscoroutine(result):
                asyncio.run(result)
            print(f"ok {os.environ['CLIENT']} {name}", flush=True)
        except Exception:  # whatever it is, the next flow can still be right
            failed = True
            print(f"not ok {os.environ['CLIENT']} {name}", flush=True)
            traceback.print_exc()
    sys.exit(failed)


class Browser:
    """Cookies, redirects within the server, and a finger for the buttons."""

    # What a person presses who wants what the page is for.
    BUTTONS = ("login-submit", "device-continue", "consent-allow", "logout-confirm")

    def __init__(self, person=ada):
        self.http = httpx.Client(follow_redirects=False, timeout=30)
        self.typed = {**person, "workspace": demo["workspaces"]["acme"]["id"]}

    def authorize(self, address):
        """Signs in, allows, and says to which address, with its query, it is sent back."""
        page = self._through(address)
        if not isinstance(page, str):
            raise AssertionError(f"the person is lost on a page:\n{page.text}")
        return page

    def connect_device(self, address):
        """Opens what a device shows, and allows it (RFC 8628 §3.3)."""
        page = self._through(address)
        if isinstance(page, str) or "Device connected" not in page.text:
            raise AssertionError(f"no device is connected: {getattr(page, 'text', page)}")

    def leave(self, address):
        """Signs out where a client sends it, and says where it is sent on to."""
        page = self._through(address)
        onward = page if isinstance(page, str) else page.links.get("logout-continue")
        if onward is None:
            raise AssertionError(f"nobody is sent on from the page:\n{page.text}")
        return onward

    def _through(self, address):
        page = self._open("GET", address)
        for _ in range(8):
            if isinstance(page, str):
                return page
            button = next((id for id in self.BUTTONS if id in page.buttons), None)
            if button is None:
                return page
            action, fields = page.pressed(button, self.typed)
            page = self._open("POST", action, data=fields)
        raise AssertionError("the pages do not end")

    def _open(self, method, address, **body):
        answer = self.http.request(method, address, **body)
        while "location" in answer.headers:
            address = urljoin(address, answer.headers["location"])
            if urlsplit(address).netloc != urlsplit(issuer).netloc:
                return address
            answer = self.http.get(address)
        return Page(address, answer.text)


class Page(HTMLParser):
    """As much of a page as our pages need: its forms, their fields and their buttons."""

    def __init__(self, address, text):
        super().__init__()
        self.address, self.text = address, text
        self.buttons, self.links = {}, {}
        self.form = None
        self.feed(text)

    def pressed(self, button, typed):
        """Where the form of that button goes, and what it says (HTML §4.10.22.4)."""
        form, attributes = self.buttons[button]
        fields = {name: typed.get(name, value) for name, value in form["fields"].items()}
        if attributes.get("name"):
            fields[attributes["name"]] = attributes.get("value", "")
        action = attributes.get("formaction") or form["action"] or self.address
        return urljoin(self.address, action), fields

    def handle_starttag(self, tag, attrs):
        it = dict(attrs)
        if tag == "form":
            self.form = {"action": it.get("action"), "fields": {}}
        elif tag == "a" and "id" in it:
            self.links[it["id"]] = it.get("href")
        elif self.form is None:
            return
        elif tag == "input" and (it.get("type") not in ("checkbox", "radio") or "checked" in it):
            self.form["fields"][it.get("name")] = it.get("value", "")
        elif tag == "select":
            self.form["fields"][it.get("name")] = ""
        elif tag == "button" and "id" in it:
            self.buttons[it["id"]] = (self.form, it)

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
