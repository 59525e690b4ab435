"""Look at the built site in a real browser, headless.

    python .ci/look.py FOLDER [SHOTS]

Each page of FOLDER is opened at two widths, and some of them dark and light. No page may be wider than its window, run
into an error, have code under a copy button, or ask another server for anything. No code and no table may scroll
sideways, but what a command prints. The search has to find first what people search for. With SHOTS, pictures of some
pages go into this folder. Without Chromium, a line says that nobody has looked, and the exit code is 0.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (1280, 390)
"""Of a window on a desk, and of a telephone."""
SCHEMES = ("light", "dark")
SEARCHES = {
    "resync": "guides/pagination.html",
    "checkpoint": "guides/resume.html",
    "mirror": "mirror/index.html",
    "sandbox": "reference/sandbox.html",
    "RetryPolicy": "reference/session.html",
}
"""What people search for, and the page that has to be found first."""
SHOWN = ("index.html", "guides/pagination.html", "guides/pull.html", "reference/runs.html", "cli/options.html")
"""The pages that a person looks at."""
PATIENCE = 20
"""Seconds that the browser may take for anything."""

BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BLOCKS = "[...document.querySelectorAll('pre > code')].map(code => [code, code.parentElement.querySelector('nav')])"
"""The blocks of code, each with its copy button, which a script adds."""
COVERED = (
    f"{BLOCKS}.filter(([code, button]) =>"
    " code.getBoundingClientRect().right > button.getBoundingClientRect().left).length"
)
SCROLLED = (
    "[...document.querySelectorAll('.md-content :is(pre > code, table, .md-typeset__scrollwrap)')].filter(element =>"
    " element.scrollWidth > element.clientWidth && !element.closest('.language-text'))"
    ".map(element => element.textContent.trim().slice(0, 40))"
)
"""The beginning of each block of code and each table that scrolls sideways. What a command prints may."""
INSIDE = "[...document.querySelectorAll('div')].find(element => element.shadowRoot).shadowRoot"
"""The window of the search keeps its elements to itself."""
FOUND = f"[...{INSIDE}.querySelectorAll('[role=option]')].map(link => link.href)"


class Tab:
    """A page of the browser, driven by the DevTools protocol: https://chromedevtools.github.io/devtools-protocol/."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.errors: list[str] = []
        """What the scripts of the pages did not catch."""
        self.requested: set[str] = set()
        """The addresses that the pages have requested."""

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await self._until(lambda message: message.get("id") == number)

    async def _until(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self._socket.receive_json()
                match message:
                    case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                        self.errors.append(details.get("exception", {}).get("description", details["text"]))
                    case {"method": "Network.requestWillBeSent", "params": {"request": {"url": url}}}:
                        self.requested.add(url)
                    case {"error": error}:
                        raise RuntimeError(error["message"])
                if is_wanted(message):
                    return message.get("result", {})

    async def open(self, address: str) -> None:
        """Open a page, and wait until it has loaded."""
        await self.call("Page.navigate", url=address)
        await self._until(lambda message: message.get("method") == "Page.loadEventFired")

    async def resize(self, width: int) -> None:
        """Give the window another width, in pixels."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)

    async def evaluate(self, script: str) -> Any:  # noqa: ANN401 - what JSON can be
        """Return the value of an expression of JavaScript."""
        result = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return result["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is true, and can be evaluated."""
        async with asyncio.timeout(PATIENCE):
            while not await self.evaluate(f"!!({script})"):  # noqa: ASYNC110 - the page has no way to call back
                await asyncio.sleep(0.05)


@asynccontextmanager
async def browser(program: str) -> AsyncIterator[Tab]:
    """Start a browser, and give a tab of it. The browser ends with the context."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
        process = await asyncio.create_subprocess_exec(
            program, *options, f"--user-data-dir={profile}", "about:blank", stderr=subprocess.PIPE
        )
        try:
            async with asyncio.timeout(PATIENCE):
                while not (said := re.search(rb"ws://([\d.:]+)/", await process.stderr.readline())):
                    pass
            devtools = f"http://{said[1].decode()}/json/new?about:blank"
            async with aiohttp.ClientSession() as http:
                async with http.put(devtools) as made:
                    target = await made.json()
                async with http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    tab = Tab(socket)
                    for domain in ("Network", "Page", "Runtime"):
                        await tab.call(f"{domain}.enable")
                    yield tab
        finally:
            process.terminate()
            await process.communicate()


@asynccontextmanager
async def served(site: Path) -> AsyncIterator[str]:
    """Serve a folder on this machine, and give its address."""
    application = web.Application()
    application.router.add_static("/", site)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


async def faults(tab: Tab) -> list[str]:
    """Return what is wrong in the window, as it is."""
    beyond, covered, scrolled = await tab.evaluate(f"[{BEYOND}, {COVERED}, {SCROLLED}]")
    wrong = [f"the page is {beyond} pixels wider than the window"] if beyond > 0 else []
    wrong += [f"{covered} blocks of code are under copy buttons"] if covered else []
    return [*wrong, *(f"this scrolls sideways: {text!r}" for text in scrolled)]


async def look(tab: Tab, pages: list[str], address: str, shots: Path | None) -> list[str]:
    """Look at the whole site, and return what is wrong."""
    wrong = []

    async def shoot(name: str) -> None:
        if shots:
            await asyncio.sleep(0.5)  # until what moves has come to rest
            picture = await tab.call("Page.captureScreenshot")
            (shots / f"{name}-{width}-{scheme}.png").write_bytes(base64.b64decode(picture["data"]))

    for scheme in SCHEMES:
        await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for page in pages if scheme == SCHEMES[0] else SHOWN:  # colours change no width
            await tab.open(address + page)
            await tab.until(f"{BLOCKS}.every(([_, button]) => button)")
            for width in WIDTHS:
                await tab.resize(width)
                wrong += [f"{page}, in a window of {width}: {fault}" for fault in await faults(tab)]
                if page in SHOWN:
                    await shoot(page.replace("/", "-").removesuffix(".html"))
        for width, (text, page) in itertools.product(WIDTHS, SEARCHES.items()):
            await tab.resize(width)
            found = await search(tab, address, text)
            await shoot(f"search-{text}")
            if f"/{page}?" not in found[0]:
                wrong.append(f"the search for {text} does not find {page} first, but {found}")
    strangers = {url for url in tab.requested if not url.startswith((address, "data:", "about:", "blob:"))}
    return [*wrong, *tab.errors, *(f"a page requests {url}" for url in sorted(strangers))]


async def search(tab: Tab, address: str, text: str) -> list[str]:
    """Type a text into the search of the front page, and return the addresses that are found."""
    await tab.open(f"{address}index.html")
    await tab.until("document.querySelector('.md-search__button')")
    await tab.evaluate("document.querySelector('.md-search__button').click()")
    await tab.until(f"{INSIDE}.activeElement?.tagName == 'INPUT'")
    await tab.call("Input.insertText", text=text)
    await tab.until(f"{FOUND}.length > 0")
    return await tab.evaluate(FOUND)


async def main(program: str, site: Path, shots: Path | None) -> list[str]:
    """Look at the site, and return what is wrong."""
    pages = sorted(str(page.relative_to(site)) for page in site.rglob("*.html"))  # noqa: ASYNC240 - nothing else is done
    async with served(site) as address, browser(program) as tab:
        return await look(tab, pages, address, shots)


if __name__ == "__main__":
    folder, *rest = map(Path, sys.argv[1:])
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        print(f"look: NOT LOOKED AT, because there is no browser: none of {', '.join(BROWSERS)} is on the path")
        sys.exit()
    for pictures in rest:
        pictures.mkdir(parents=True, exist_ok=True)
    wrong = asyncio.run(main(found, folder, rest[0] if rest else None))
    print(*wrong, f"look: {len(wrong)} faults", sep="\n")
    sys.exit(bool(wrong))
