"""A page as a browser reads it."""

from __future__ import annotations

import json
from html.parser import HTMLParser

LOADING = {"src", "href", "srcset", "action", "formaction", "data", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    """The page as a browser reads it: its elements, its raw texts by element, the text people see."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.raw = []
        self.seen = []
        self._inside = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else None
        if self._inside:
            self.raw.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag):  # noqa: ARG002 -- the parser's interface
        self._inside = None

    def handle_data(self, data):
        if self._inside:
            tag, attrs, text = self.raw[-1]
            self.raw[-1] = (tag, attrs, text + data)
        else:
            self.seen.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.seen).split())

    @property
    def data(self):
        [text] = [text for tag, attrs, text in self.raw if attrs.get("id") == "data"]
        return json.loads(text)

    @property
    def policy(self):
        [content] = [a["content"] for _, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        return {name: values for name, *values in (rule.split() for rule in content.split(";"))}
