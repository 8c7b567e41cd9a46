// What the pages can do better with a script. Without it all of them work.
"use strict";

// Keep what is marked live up to date, unless the reader is at work in it.
const live = document.querySelector("[data-live]");
if (live) {
  const pulse = document.querySelector("[data-pulse]");
  const address = new URL(location.href);
  address.searchParams.delete("said");
  address.searchParams.delete("n");
  const refresh = async () => {
    if (document.hidden || live.contains(document.activeElement)) return;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]");
      if (fresh && !live.contains(document.activeElement)) {
        live.replaceChildren(...document.importNode(fresh, true).childNodes);
      }
      if (pulse) { pulse.textContent = "refreshes by itself"; pulse.dataset.tone = "calm"; }
    } catch {
      if (pulse) { pulse.textContent = "the server does not answer: this is old"; pulse.dataset.tone = "bad"; }
    }
  };
  if (pulse) { pulse.hidden = false; }
  setInterval(refresh, 5000);
}

// One box for all boxes of a list, and a count beside the buttons.
for (const all of document.querySelectorAll("[data-all]")) {
  const boxes = [...document.querySelectorAll(all.dataset.all)];
  const tell = document.querySelector("[data-selected]");
  const update = () => {
    const on = boxes.filter((box) => box.checked).length;
    all.checked = on > 0 && on === boxes.length;
    all.indeterminate = on > 0 && on < boxes.length;
    if (tell) { tell.textContent = on === 0 ? "none selected" : on + " selected"; }
  };
  all.closest("[hidden]")?.removeAttribute("hidden");
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    update();
  });
  for (const box of boxes) box.addEventListener("change", update);
  update();
}

// A sentence about a change is not told again when the page is loaded again.
if (new URLSearchParams(location.search).has("said")) {
  const clean = new URL(location.href);
  clean.searchParams.delete("said");
  clean.searchParams.delete("n");
  history.replaceState(null, "", clean);
}
