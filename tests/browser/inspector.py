"""Looks at pages with axe-core."""

from axe_playwright_python.sync_playwright import Axe

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Inspector:
    """Runs axe on page after page and remembers what it found."""

    def __init__(self, page, language):
        self.page = page
        self.language = language
        self.axe = Axe()
        self.findings = []
        self.inspected = []

    def inspect(self, name, *, leads_out=True):
        """Look at the page as it is; `leads_out`: it must offer to withdraw."""
        self._settle()
        found = self.axe.run(self.page, options={"runOnly": {"type": "tag", "values": LEVELS}}).response
        assert len(found["passes"]) >= 15, name  # rules that had something to look at
        self.findings += [
            (name, violation["id"], violation["impact"], [node["html"] for node in violation["nodes"]])
            for violation in found["violations"]
        ]
        assert self.page.locator("html").get_attribute("lang") == self.language
        if leads_out:
            assert self.page.locator(".page-footer a[href$='/withdraw/']").count() == 1, name
        self.inspected.append(name)

    def _settle(self):
        """Wait until nothing moves. Asked from here: the pages' policy forbids what `wait_for_function` evaluates."""
        for _ in range(100):
            if self.page.evaluate("document.getAnimations().every((animation) => animation.playState !== 'running')"):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("The page still moves after five seconds.")
