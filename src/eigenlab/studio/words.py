"""Words on a page that change with every move of a slider."""

from __future__ import annotations

from markupsafe import Markup, escape
from nicegui.elements.mixins.content_element import ContentElement


class Words(ContentElement, component="assets/words.js"):
    """Text, or HTML of our own, that is changed alone; a label has the whole page rendered anew.

    Args:
        content: plain text, or :class:`markupsafe.Markup`. Default: ``""``.
        tag: element of HTML. Default: ``"div"``.
    """

    CONTENT_PROP = "html"

    def __init__(self, content: str | Markup = "", tag: str = "div") -> None:
        super().__init__(content=str(escape(content)))
        self._props["tag"] = tag

    def say(self, content: str | Markup) -> None:
        """Show other words.

        Args:
            content: plain text, or :class:`markupsafe.Markup`.
        """
        self.set_content(str(escape(content)))

    def _handle_content_change(self, content: str) -> None:
        with self._props.suspend_updates():  # for a browser that connects anew
            self._props[self.CONTENT_PROP] = content
        self.run_method("say", content)
