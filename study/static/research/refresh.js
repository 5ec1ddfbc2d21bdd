// Keeps parts of a page up to date without flicker: only parts whose content changed are put in place, and nothing is
// fetched while nobody looks. <main data-refresh="URL" data-seconds="10"> holds elements with data-part="NAME".
const place = document.querySelector("[data-refresh]");

if (place) {
  const status = document.querySelector("[data-live]");
  const seconds = Number(place.dataset.seconds || 10);
  let busy = false;

  async function refresh() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(place.dataset.refresh, { headers: { "X-Requested-With": "fetch" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of fresh.querySelectorAll("[data-part]")) {
        const shown = place.querySelector(`[data-part="${part.dataset.part}"]`);
        if (!shown) continue;
        if (shown.contains(document.activeElement)) continue; // nobody loses the place they are at
        if (shown.innerHTML !== part.innerHTML) {
          const scrolled = [...shown.querySelectorAll(".scroll, .log")].map((box) => [box.scrollLeft, box.scrollTop]);
          shown.innerHTML = part.innerHTML;
          [...shown.querySelectorAll(".scroll, .log")].forEach((box, index) => {
            if (scrolled[index]) [box.scrollLeft, box.scrollTop] = scrolled[index];
          });
        }
      }
      status?.classList.remove("stale");
      if (fresh.querySelector("[data-over]")) window.clearInterval(timer);
      if (fresh.querySelector("[data-soon]")) window.setTimeout(refresh, 500); // more is on its way
    } catch {
      status?.classList.add("stale"); // the last numbers stay; the next try may work
    } finally {
      busy = false;
    }
  }

  const timer = window.setInterval(refresh, seconds * 1000);
  document.addEventListener("visibilitychange", refresh);
  if (document.querySelector("[data-soon]")) refresh();
}
