// Keeps the page fresh and shows times of this place. Without it, the page refreshes itself as a whole.
"use strict";

(() => {
  const EVERY = 15_000; // milliseconds
  const live = document.getElementById("live");
  const zone = document.getElementById("zone");

  const localTimes = (within) => {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) time.title = at.toLocaleString();
    }
  };

  const say = (text) => {
    if (live.textContent !== text) live.textContent = text;
  };

  // What somebody is at is left alone: a field with the focus, a selection, an opened report.
  const isInUse = (section) => {
    const selection = document.getSelection();
    return (
      section.contains(document.activeElement) ||
      section.querySelector("details[open]") !== null ||
      (selection && !selection.isCollapsed && section.contains(selection.anchorNode))
    );
  };

  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const before = document.getElementById("health-title")?.textContent;
      for (const section of document.querySelectorAll("[data-live][id]")) {
        const next = fresh.getElementById(section.id);
        if (!next || isInUse(section)) continue;
        localTimes(next);
        if (next.outerHTML !== section.outerHTML) section.replaceWith(document.adoptNode(next));
      }
      const after = document.getElementById("health-title")?.textContent;
      if (before !== after) say(after ?? "");
      else if (live.dataset.lost) say("wirewatch answers again.");
      delete live.dataset.lost;
    } catch {
      say("wirewatch does not answer; this page shows how things were.");
      live.dataset.lost = "yes";
    }
  };

  localTimes(document);
  zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
})();
