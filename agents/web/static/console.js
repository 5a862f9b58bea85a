// The console, live. Every page works without this script; with it, changes come by themselves (server-sent events),
// a form is sent without leaving the page, and times go on. What comes from the server is HTML that it has escaped;
// nothing here makes HTML of text. The one rule: what somebody is typing, and where the focus is, is never taken away.
"use strict";
(() => {
  const body = document.body;
  const list = document.getElementById("list");
  const queue = document.getElementById("queue");
  const page = document.querySelector("[data-alert]");
  const tellLine = document.getElementById("tell");
  const banner = document.getElementById("banner");
  const csrf = body.dataset.csrf || "";
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

  // Time: the service's own. Where it goes with the wall clock, it goes on here between two messages.

  let known = Number(body.dataset.now), knownAt = performance.now();
  const goesOn = body.dataset.clock === "wall";
  const now = () => known + (goesOn ? performance.now() - knownAt : 0);
  const learn = (ms) => {
    if (Number.isFinite(ms) && (goesOn || ms > known)) [known, knownAt] = [ms, performance.now()];
  };
  const lasting = (ms) => {
    const span = Math.abs(ms);
    if (span < MINUTE) return `${Math.max(1, Math.floor(span / SECOND))} sec`;
    if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
    if (span < DAY) {
      const hours = Math.floor(span / HOUR), minutes = Math.floor((span % HOUR) / MINUTE);
      return minutes && hours < 6 ? `${hours} h ${minutes} min` : `${hours} h`;
    }
    const days = Math.floor(span / DAY);
    return days === 1 ? "1 day" : `${days} days`;
  };
  const ago = (ms) => {
    const span = now() - ms;
    if (Math.abs(span) < 10 * SECOND) return "just now";
    return span > 0 ? `${lasting(span)} ago` : `in ${lasting(span)}`;
  };
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const tick = () => {
    for (const one of document.querySelectorAll("[data-age]")) write(one, ago(Number(one.dataset.age)));
    for (const one of document.querySelectorAll("[data-due]")) {
      const at = Number(one.dataset.due), late = one.classList.contains("late") || at <= now();
      if ("short" in one.dataset) {
        write(one, late ? `late by ${lasting(now() - at)}` : ago(at));
      } else {
        write(one.lastElementChild, late ? `${one.dataset.what}: late since ${one.dataset.time}` : `${one.dataset.what} ${ago(at)}`);
        one.classList.toggle("late", late);
      }
    }
  };
  setInterval(tick, 10 * SECOND);

  const tell = (text) => { tellLine.textContent = text; };

  // The banner

  const reasons = new Set();
  const lost = (reason, is) => {
    reasons[is ? "add" : "delete"](reason);
    const shown = ["out", "server", "kafka"].find((one) => reasons.has(one));
    for (const line of banner.querySelectorAll("[data-reason]")) line.hidden = line.dataset.reason !== shown;
    banner.hidden = !shown;
  };
  if (!banner.hidden) reasons.add("kafka");

  // Replacing parts of the page

  const touched = (field) => field === document.activeElement || (field.tagName === "SELECT"
    ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected))
    : field.value !== field.defaultValue);
  const dirty = (part, done) => [...part.querySelectorAll("textarea, input:not([type=hidden]), select")].some((field) =>
    !(done && field.form?.dataset.sent === done) && touched(field));
  const same = (one, other) => [one, other].map((part) => part.outerHTML
    .replace(/ value="[0-9a-f-]{36}"/g, "").replace(/ open=""/g, "").replace(/ data-sequence="\d+"/, "")
    .replace(/>[^<>]*<\/time>/g, ">")).every((html, _, all) => html === all[0]);
  const replace = (old, fresh) => {
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const open = [...old.querySelectorAll("details[id][open]")].map((one) => one.id);
    const held = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.dataset.focus && `[data-focus="${focused.dataset.focus}"]`);
    fill(fresh);
    old.replaceWith(fresh);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (!focused) return;
    const target = (held && fresh.querySelector(held)) || fresh.querySelector("a[href], button, summary");
    target?.focus({ preventScroll: true });
  };
  const randomId = () => {
    const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
    bytes[6] = (bytes[6] & 15) | 64; bytes[8] = (bytes[8] & 63) | 128;
    return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };
  const fill = (part) => {  // a row of the live stream is the same for all: what is ours is put in here
    for (const field of part.querySelectorAll('input[name="csrf"]')) if (!field.value) field.value = csrf;
    for (const field of part.querySelectorAll('input[name="id"]')) if (!field.value) field.value = randomId();
  };
  const load = async (address) => {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") { lost("out", true); return null; }
    const page = answer.ok ? parse(await answer.text()) : null;
    if (page) learn(Number(page.body.dataset.now));
    return page;
  };
  const once = (work, wait) => {  // many calls within a moment are one
    let timer = 0, again = false, busy = false;
    const run = async () => {
      timer = 0; busy = true;
      try { await work(); } catch { /* the banner says that the server is away */ }
      busy = false;
      if (again) { again = false; call(); }
    };
    const call = () => { if (busy) again = true; else if (!timer) timer = setTimeout(run, wait); };
    return call;
  };

  // The list

  const matches = (card) => {
    const wanted = list.dataset;
    return card.dataset.waiting === wanted.show
      && (!wanted.unit || card.dataset.where.split(" ").includes(wanted.unit))
      && (!wanted.department || card.dataset.department === wanted.department);
  };
  const isEmpty = () => { document.getElementById("none").hidden = list.childElementCount > 0; };
  const place = (card) => {
    const next = [...list.children].find((one) => one !== card && one.dataset.order > card.dataset.order);
    if (card.parentElement !== list || card.nextElementSibling !== (next || null)) list.insertBefore(card, next || null);
  };
  const leave = (card) => {
    if (card.contains(document.activeElement)) {
      (card.nextElementSibling || card.previousElementSibling)?.querySelector("a[href]")?.focus({ preventScroll: true });
    }
    card.remove();
  };
  const put = (card, isNew) => {
    const old = document.getElementById(card.id);
    if (old && Number(old.dataset.sequence) >= Number(card.dataset.sequence)) return;
    if (!matches(card)) {
      if (old) leave(old);
    } else if (old) {
      const said = old.querySelector(".said");
      if (said?.textContent) card.querySelector(".said")?.replaceWith(said.cloneNode(true));
      const moved = old.dataset.order !== card.dataset.order;
      const focused = old.contains(document.activeElement);
      replace(old, card);
      if (moved && !focused) place(card);
    } else if ("whole" in list.dataset || !list.lastElementChild || card.dataset.order < list.lastElementChild.dataset.order) {
      fill(card);
      if (isNew) card.classList.add("fresh");
      place(card);
      if (isNew) tell(`New alert: ${card.querySelector(".badge").textContent.trim()}. ${card.querySelector("h2").textContent}`);
    }
  };
  const refreshCounts = once(async () => {
    const query = list ? new URLSearchParams({ unit: list.dataset.unit, department: list.dataset.department }) : "";
    const answer = await fetch(`/counts?${query}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const counts = await answer.json();
    for (const one of document.querySelectorAll("[data-count]")) {
      const number = counts[one.dataset.count];
      if (number === undefined) continue;
      one.firstChild.textContent = number.toLocaleString("en");
      if (one.closest(".tabs")) one.hidden = !number;
    }
  }, 500);
  const refreshList = once(async () => {
    const fresh = (await load(location.href))?.getElementById("list");
    if (!fresh) return;
    const ids = new Set([...fresh.children].map((card) => card.id));
    for (const card of [...fresh.children]) put(document.adoptNode(card), false);
    for (const card of [...list.children]) if (!ids.has(card.id) && list.dataset.whole) leave(card);
    isEmpty(); tick(); refreshCounts();
  }, 200);

  // The page of one alert

  const refreshPage = once(async () => {
    const address = new URL(location.href);
    if (waitsFor) address.searchParams.set("sent", waitsFor); else address.searchParams.delete("sent");
    const fresh = await load(address);
    if (!fresh) return;
    const outcome = waitsFor ? fresh.getElementById("outcome") : null;
    const done = outcome?.classList.contains("done") ? waitsFor : "";
    const parts = [...fresh.querySelectorAll("[data-part]")], ids = new Set(parts.map((part) => part.id));
    if (!parts.length) return;
    for (const old of document.querySelectorAll("[data-part]")) if (!ids.has(old.id)) old.remove();
    for (const part of parts) {
      const old = document.getElementById(part.id);
      if (!old || same(old, part)) continue;
      if (dirty(old, done)) { tell("The case has changed meanwhile. What you have typed is kept."); continue; }
      replace(old, document.adoptNode(part));
    }
    if (outcome) showOutcome(document.adoptNode(outcome));
    tick(); refreshCounts();
  }, 100);
  let waitsFor = page && document.querySelector("#outcome.sent") ? new URL(location.href).searchParams.get("sent") : "";
  const showOutcome = (outcome) => {
    const old = document.getElementById("outcome");
    if (old) old.replaceWith(outcome); else page.querySelector(".head").after(outcome);
    tell(outcome.textContent);
    if (!outcome.classList.contains("sent")) waitsFor = "";
  };

  // The queue of unrouted posts

  const refreshQueue = once(async () => {
    const fresh = (await load("/unrouted"))?.getElementById("queue");
    if (!fresh) return;
    const byId = (root) => new Map([...root.children].map((one) => [one.dataset.unrouted, one]));
    const [old, come] = [byId(queue), byId(fresh)];
    for (const [id, one] of old) if (!come.has(id)) leave(one);
    [...come].reverse().forEach(([id, one]) => { if (!old.has(id)) { fill(one); queue.prepend(document.adoptNode(one)); } });
    document.getElementById("none").hidden = queue.childElementCount > 0;
    tick();
  }, 300);

  // Forms

  const sent = new Map();  // id of an action -> where to say what became of it
  const answered = async (id, alertId) => {
    const said = sent.get(id);
    if (!said) return;
    sent.delete(id);
    const outcome = (await load(`/alerts/${encodeURIComponent(alertId)}?sent=${encodeURIComponent(id)}`))?.getElementById("outcome");
    if (!outcome) return;
    const refused = outcome.classList.contains("refused");
    for (const line of document.querySelectorAll(".said")) {
      if (line.dataset.for !== id) continue;
      line.textContent = outcome.textContent; line.classList.toggle("refused", refused);
      line.closest("form")?.querySelector("button")?.removeAttribute("aria-disabled");
      if (refused) { const field = line.closest("form")?.querySelector('input[name="id"]'); if (field) field.value = randomId(); }
    }
    tell(outcome.textContent);
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-send]")) return;
    event.preventDefault();
    const button = form.querySelector("button"), said = form.querySelector(".said");
    if (button.getAttribute("aria-disabled") === "true") return;
    const id = form.elements.namedItem("id").value, data = new URLSearchParams(new FormData(form));
    button.setAttribute("aria-disabled", "true");
    said.classList.remove("refused"); said.dataset.for = id; said.textContent = "Sending …";
    sent.set(id, said);
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: data, redirect: "manual", headers: { Accept: "application/json", "X-CSRF-Token": csrf } });
      if (answer.status === 401) {
        lost("out", true);
        throw new Error("you are signed out");
      }
      if (!answer.ok && answer.type !== "opaqueredirect") {
        const problem = await answer.json().catch(() => null);
        throw new Error(problem?.detail || "the console did not take it");
      }
      if (sent.has(id)) said.textContent = "Sent. Waiting until it takes effect …";
      if (page) {
        [waitsFor, form.dataset.sent] = [id, id];
        refreshPage();
      }
      if (queue) refreshQueue();
    } catch (error) {
      sent.delete(id);
      button.removeAttribute("aria-disabled");
      const why = error instanceof TypeError ? "The console cannot be reached" : error.message.replace(/^./, (one) => one.toUpperCase());
      said.textContent = `Not sent: ${why.replace(/\.$/, "")}. What you typed is still here; try again.`;
      said.classList.add("refused");
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("form[data-filter]")) event.target.form.requestSubmit();
  });

  // The live stream

  const on = {
    alert(said) {
      if (list) {
        const card = said.html && parse(said.html).body.firstElementChild;
        if (card) { learn(Number(card.dataset.now)); put(document.adoptNode(card), true); }
        else if (said.gone) { const old = document.getElementById(`alert-${said.id}`); if (old) leave(old); }
        isEmpty(); tick();
      }
      if (page && page.dataset.alert === said.id) refreshPage();
      refreshCounts();
    },
    entry(said) { if (page && page.dataset.alert === said.alert_id) refreshPage(); },
    answer(said) { if (page && waitsFor === said.id) { sent.delete(said.id); refreshPage(); } else answered(said.id, said.alert_id); },
    unrouted() { if (queue) refreshQueue(); refreshCounts(); },
    connection(said) {
      learn(Number(said.now)); lost("kafka", !said.connected); tick();
      if (said.missed || said.revision !== shown) everything();  // something came between the page and the stream
      shown = said.revision;
    },
  };
  const everything = () => { if (list) refreshList(); if (page) refreshPage(); if (queue) refreshQueue(); refreshCounts(); };
  let stream = null, away = 0, shown = Number(body.dataset.revision);
  const open = () => {
    stream = new EventSource(body.dataset.live);
    for (const [name, work] of Object.entries(on)) stream.addEventListener(name, (event) => work(JSON.parse(event.data)));
    stream.onopen = () => {
      clearTimeout(away); away = 0;
      if (reasons.has("server")) { lost("server", false); tell("The console is back."); everything(); }
      lost("out", false);
    };
    stream.onerror = () => {
      if (!away) away = setTimeout(() => lost("server", true), 1500);
      if (stream.readyState !== EventSource.CLOSED) return;  // the browser tries again by itself
      stream.close();
      setTimeout(async () => {
        try { if (await load(location.href)) lost("out", false); } catch { /* still away */ }
        if (stream.readyState === EventSource.CLOSED) open();
      }, 3000);
    };
  };
  if (body.dataset.live) {
    open();
    setInterval(() => { if (!document.hidden) everything(); }, MINUTE);  // what time alone changes: snoozes that end
    addEventListener("pagehide", () => stream.close());
    let hidden = 0;  // a browser has six connections for one host: tabs that nobody looks at give theirs back
    document.addEventListener("visibilitychange", () => {
      clearTimeout(hidden);
      if (document.hidden) hidden = setTimeout(() => stream.close(), MINUTE);
      else if (stream.readyState === EventSource.CLOSED) { open(); everything(); }
    });
    addEventListener("pageshow", (event) => { if (event.persisted) { open(); everything(); } });
  }
  for (const one of document.querySelectorAll("#outcome.done, #outcome.refused")) one.focus({ preventScroll: false });
})();
