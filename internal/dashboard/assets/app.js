// What the pages can do better with a script. Without it all of them work.
"use strict";

// Show times in the zone of the browser, with the offset; their titles are UTC.
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n) => String(n).padStart(2, "0");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const offset = (at) => {
  const ahead = -at.getTimezoneOffset();
  return (ahead < 0 ? "-" : "+") + two(Math.trunc(Math.abs(ahead) / 60)) + ":" + two(Math.abs(ahead) % 60);
};
const clock = (at) => two(at.getHours()) + ":" + two(at.getMinutes());
const enhance = (part) => {
  for (const button of part.querySelectorAll("[data-copy]")) { button.hidden = false; }
  for (const time of part.querySelectorAll("time[data-clock]")) {
    const at = new Date(time.dateTime);
    time.textContent = `${at.getDate()} ${months[at.getMonth()]} ${at.getFullYear()} ${clock(at)}:${two(at.getSeconds())} ${offset(at)}`;
  }
  for (const name of part.querySelectorAll("[data-zone]")) { name.textContent = zone; }
  for (const field of part.querySelectorAll("input[data-clock]")) {
    if (!field.dataset.clock) continue;
    const at = new Date(field.dataset.clock);
    field.value = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${clock(at)}`;
  }
};
enhance(document);

// What is typed as a time goes out with its zone: the server may have another one.
document.addEventListener("formdata", (event) => {
  for (const field of event.target.querySelectorAll("input[data-clock]")) {
    if (field.value) { event.formData.set(field.name, new Date(field.value).toISOString()); }
  }
});

// Copy what a button holds. Without a secure context the browser has no clipboard; then
// a text that is selected for a moment is copied.
const copy = async (text) => {
  if (navigator.clipboard) { await navigator.clipboard.writeText(text); return; }
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("not copied");
};
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]:not([data-copied])");
  if (!button) return;
  const label = button.textContent; // none of an icon
  button.dataset.copied = await copy(button.dataset.copy).then(() => "yes", () => "no");
  if (label) { button.textContent = button.dataset.copied === "yes" ? "Copied" : "Not copied: select it"; }
  setTimeout(() => {
    delete button.dataset.copied;
    button.textContent = label;
  }, 2000);
});

// Keep what is marked live up to date, unless the reader is at work in it.
const live = document.querySelector("[data-live]");
if (live) {
  const pulse = document.querySelector("[data-pulse]");
  const address = new URL(location.href);
  address.searchParams.delete("said");
  address.searchParams.delete("n");
  const typed = () => [...live.querySelectorAll("input")].some((field) => field.value !== field.defaultValue);
  const busy = () => live.contains(document.activeElement) || live.contains(getSelection().focusNode) && !getSelection().isCollapsed || typed();
  const say = (text, tone) => { if (pulse) { pulse.textContent = text; pulse.dataset.tone = tone; } };
  const refresh = async () => {
    if (document.hidden) return;
    if (busy()) return say("waits while you are in it", "calm");
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]");
      if (fresh && !busy()) {
        enhance(fresh);
        live.replaceChildren(...document.importNode(fresh, true).childNodes);
      }
      say("refreshes by itself", "calm");
    } catch {
      say("the server does not answer: this is old", "bad");
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

// A work in parts goes on by itself, and a search that has found nothing so far.
document.querySelector("form[data-go-on]")?.requestSubmit();
const onward = document.querySelector("a[data-go-on]");
if (onward) { location.replace(onward.href); }

// A sentence about a change is not told again when the page is loaded again.
if (new URLSearchParams(location.search).has("said")) {
  const clean = new URL(location.href);
  clean.searchParams.delete("said");
  clean.searchParams.delete("n");
  history.replaceState(null, "", clean);
}
