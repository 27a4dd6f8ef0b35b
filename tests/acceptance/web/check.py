"""The status page in a browser; see web.sh."""

import os
import sys
import urllib.request

from cdp import Browser
from world import HOSTILE, INVISIBLE, World, Program


def text(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def main(binary, pictures):
    world = World()
    world.publish(9)
    program = Program(binary, world)
    browser = Browser()
    try:
        check(world, program, browser, pictures)
    finally:
        browser.close()
        program.stop()
    assert browser.complaints == [], "the browser complains:\n" + "\n".join(browser.complaints)
    print("web: all is well")


def check(world, program, browser, pictures):
    base = program.base
    # Seven alerts, two webhooks in trouble, a feed gone and one missing three times.
    program.wait(lambda: 'href="/alerts/alt_' in text(base + "/alerts?q=blood"), "alerts")
    program.wait(lambda: "feed is gone" in text(base) and "feed is failing" in text(base), "feeds in trouble")
    program.wait(lambda: 'state="dead"} ' in text(base + "/metrics"), "dead deliveries")

    browser.size(1280, 900)
    browser.open(base + "/")
    assert browser.run("document.querySelector('h1').textContent") in ("Worth a look", "Something is wrong")
    assert browser.run("document.querySelectorAll('svg.plot').length") == 4
    assert browser.run("document.querySelectorAll('#alerts article').length") >= 7
    assert browser.run("document.querySelectorAll('#alerts mark').length") >= 7
    # The style sheet is in force, and scripts run: times are shown in local form.
    assert browser.run("getComputedStyle(document.querySelector('nav ul')).listStyleType") == "none"
    browser.wait_for(
        "(time => time.title !== time.dateTime)(document.querySelector('#alerts time'))", "times in local form"
    )
    print("web: the page loads")

    # A hostile headline arrives while the page is open; the page takes it up by itself.
    world.items["ticker"].insert(0, ("evil", HOSTILE, "A text."))
    program.wait(lambda: "taken over" in text(base + "/alerts"), "the hostile alert")
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")
    browser.wait_for("document.querySelector('#alerts').textContent.includes('taken over')", "the page to refresh itself")
    shown = browser.run(
        "[...document.querySelectorAll('#alerts h3')].find(h => h.textContent.includes('taken over')).textContent"
    )
    expected = HOSTILE
    for character in INVISIBLE:
        expected = expected.replace(character, "")
    assert shown == expected, shown
    assert browser.run("document.title") == "Status · wirewatch"
    assert browser.run("document.querySelectorAll('main script, main b').length") == 0
    title = "[...document.querySelectorAll('#alerts h3 bdi')].find(h => h.textContent.includes('taken over'))"
    assert browser.run(f"{title}.getElementsByTagName('mark').length") == 2
    print("web: a hostile title is text")

    # By keyboard: the first stop skips to the content; the search is reached and sent.
    browser.run("document.activeElement.blur(); window.focus()")
    browser.key("Tab", 9)
    assert browser.run("document.activeElement.className") == "skip"
    browser.key("Enter", 13, "\r")
    browser.wait_for("document.activeElement.id === 'main'")
    browser.run("document.getElementById('search').focus()")
    browser.type("ransomware")
    browser.run("window.__old = true")
    browser.key("Enter", 13, "\r")
    browser.wait_for("!window.__old && location.pathname === '/alerts' && document.readyState === 'complete'")
    assert browser.run("document.querySelectorAll('article.alert').length") == 2
    assert browser.run("document.getElementById('q').value") == "ransomware"
    print("web: search works by keyboard")

    # Every control and every picture has a name; every identifier is there once.
    for path in ("/", "/alerts", "/topics", "/feeds", "/deliveries", "/deliveries?state=dead", "/feeds?state=failing"):
        browser.open(base + path)
        nameless = browser.run(
            "[...document.querySelectorAll('input, select, button, a, svg')].filter(e => !(e.textContent.trim()"
            " || e.getAttribute('aria-label') || (e.labels && e.labels.length))).map(e => e.outerHTML)"
        )
        assert nameless == [], f"{path}: {nameless}"
        twice = browser.run(
            "(ids => ids.filter((id, n) => ids.indexOf(id) !== n))([...document.querySelectorAll('[id]')].map(e => e.id))"
        )
        assert twice == [], f"{path}: {twice}"
    browser.open(base + browser.run("document.querySelector('a[href^=\"/\"]').getAttribute('href')"))

    # Contrast of all text, in light and dark: at least 4.5 (WCAG AA).
    for dark in (False, True):
        browser.dark(dark)
        for path in ("/", "/alerts", "/feeds", "/deliveries"):
            browser.open(base + path)
            poor = browser.run(CONTRAST)
            assert poor == [], f"{path} {'dark' if dark else 'light'}: {poor}"
    print("web: contrast suffices in light and dark")

    # On a telephone nothing runs off the side.
    browser.size(360, 780, mobile=True)
    for path in ("/", "/alerts", "/topics", "/feeds", "/deliveries"):
        browser.open(base + path)
        wide = browser.run("document.documentElement.scrollWidth")
        assert wide <= 360, f"{path} is {wide} wide"
    print("web: it fits a telephone")

    if pictures:
        shoot(base, browser, pictures)

    # Without scripts it is all there, and asks to be loaded again by itself.
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.call("Page.navigate", url=base + "/")
    source = text(base + "/")
    assert '<noscript><meta http-equiv="refresh"' in source
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


CONTRAST = """
(() => {
  const channel = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim() || node.parentElement.closest("svg, script, noscript")) continue;
    const [a, b] = [light(parse(getComputedStyle(node.parentElement).color)), light(ground(node.parentElement))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.add(`${ratio.toFixed(2)}: ${node.data.trim().slice(0, 40)}`);
  }
  return [...poor];
})()
"""


def shoot(base, browser, pictures):
    os.makedirs(pictures, exist_ok=True)
    first = None
    for name, width, dark in (("desktop", 1280, False), ("dark", 1280, True), ("phone", 390, False)):
        browser.size(width, 900, mobile=width < 500)
        browser.dark(dark)
        for page, path in (("status", "/"), ("alerts", "/alerts"), ("feeds", "/feeds"), ("deliveries", "/deliveries")):
            browser.open(base + path)
            browser.picture(os.path.join(pictures, f"{page}-{name}.png"))
        browser.open(base + "/alerts")
        first = first or browser.run("document.querySelector('.meta a[href^=\"/alerts/\"]').getAttribute('href')")
        browser.open(base + first)
        browser.picture(os.path.join(pictures, f"alert-{name}.png"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
