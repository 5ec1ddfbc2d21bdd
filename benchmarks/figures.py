"""The pictures of the README, made from a finished `make demo` with its server running (`make serve`).

    python -m benchmarks.figures --out docs/figures

Pictures show the drawn birds only. Needs Debian's chromium and Playwright (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from PIL import Image, ImageDraw

CELL = 168
LABEL = 150
ROWS = 5
PRACTICE_ITEMS = 2  # of the preset paper-2018


def summaries_figure(run: Path, out: Path, *, class_names: tuple[str, ...], network: str) -> None:
    """Rows of member pictures of some summaries of a network, the strongest of each class first."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    rows = [
        (summary, name)
        for name in class_names
        for summary in manifest["summaries"]
        if (summary["class"], summary["network"], summary["arm"]) == (name, network, "summaries")
    ]
    chosen = [(summary, name) for summary, name in rows if len(summary["members"]) >= ROWS][:ROWS]
    columns = min(7, max(len(summary["members"]) for summary, _ in chosen))
    figure = Image.new("RGB", (LABEL + columns * (CELL + 6), len(chosen) * (CELL + 10)), (244, 243, 241))
    draw = ImageDraw.Draw(figure)
    for row, (summary, name) in enumerate(chosen):
        top = row * (CELL + 10)
        draw.text((8, top + CELL / 2 - 10), name, fill=(40, 40, 40), font_size=22)
        for column, cell in enumerate(summary["files"]["cells"][:columns]):
            with Image.open(run / cell["file"]) as picture:
                figure.paste(picture.convert("RGB").resize((CELL, CELL)), (LABEL + column * (CELL + 6), top))
    figure.save(out, quality=82, method=6)


def screenshots(url: str, report: Path, out: Path) -> None:
    """A trial on a desktop and on a phone, and the top of the report."""
    from playwright.sync_api import sync_playwright

    options = [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        for name, width, height in (("trial", 1280, 800), ("trial-phone", 390, 844)):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(url)
            page.get_by_role("button", name="I agree, start").click()
            page.get_by_role("button", name="Start practice").click()
            for _ in range(PRACTICE_ITEMS):
                page.get_by_role("textbox").fill("wing")
                page.get_by_text("Sure", exact=True).click()
                page.get_by_role("button", name="Next", exact=True).click()
                page.get_by_role("button", name="Go on").click()
            page.get_by_role("textbox").wait_for()
            page.wait_for_timeout(800)
            page.screenshot(path=out / f"{name}.png")
            page.close()
        page = browser.new_page(viewport={"width": 1180, "height": 1000})
        page.goto(report.resolve().as_uri())
        page.screenshot(path=out / "report.png")
        browser.close()
    for name in ("trial", "trial-phone", "report"):
        with Image.open(out / f"{name}.png") as picture:
            picture.convert("RGB").save(out / f"{name}.webp", quality=82, method=6)
        (out / f"{name}.png").unlink()


def main() -> None:
    """Make all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("var/runs/demo-drawn-birds"))
    parser.add_argument("--report", type=Path, default=Path("var/reports/demo/report.html"))
    parser.add_argument("--url", default="http://127.0.0.1:8000/s/demo/")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    summaries_figure(
        options.run, options.out / "summaries.webp", class_names=("robin", "flamingo"), network="bird-large"
    )
    screenshots(options.url, options.report, options.out)
    for path in sorted(options.out.iterdir()):
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
