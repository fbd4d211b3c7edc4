// What pages gain where script runs; each works without it. No build, no library, nothing from elsewhere.
"use strict";

(() => {
  const EVERY = 60_000;
  const PATIENCE = 20_000;
  const main = document.querySelector("main");

  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  // Copying: a button beside each address and secret. It is made here, so that without script nothing dead stands there.
  const said = make("p", { className: "visually-hidden" });
  said.setAttribute("role", "status");

  function offerCopy(holder) {
    const name = holder.dataset.copy || holder.labels[0].textContent;
    const button = make("button", { type: "button", className: "btn btn-outline-secondary btn-sm copy-button", textContent: "Copy" });
    button.setAttribute("aria-label", `Copy: ${name}`);
    button.addEventListener("click", async () => {
      let words = "Copied";
      try {
        await navigator.clipboard.writeText(holder.value ?? holder.innerText.trim());
      } catch {
        words = "Not copied";
      }
      button.textContent = words;
      said.textContent = `${words}: ${name}`;
      setTimeout(() => { button.textContent = "Copy"; said.textContent = ""; }, 3000);
    });
    holder.after(button);
  }

  if (navigator.clipboard) {
    const holders = document.querySelectorAll(".copy > input, [data-copy]");
    if (holders.length) document.body.append(said);
    holders.forEach(offerCopy);
  }

  // A page that says as of when it is keeps itself fresh; whoever reads can stop it (2.2.2).
  const stamp = () => main.querySelector("[data-fresh]");
  if (!main || !stamp()) return;

  const note = make("p", { className: "not-fresh" });
  note.setAttribute("role", "status"); // empty, and so silent, while all is well
  main.before(note);
  const stop = make("button", { type: "button", className: "btn btn-outline-secondary btn-sm stop-button", textContent: "Stop refreshing" });
  let stopped = false;
  let asked = Date.now();

  stop.addEventListener("click", () => {
    stopped = !stopped;
    stop.textContent = stopped ? "Refresh again" : "Stop refreshing";
    if (!stopped) refresh();
  });

  function isChanged(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
    return field.value !== field.defaultValue;
  }

  // Somebody is in a field, has typed or ticked something, or has marked text to copy.
  function isBusy() {
    return document.activeElement.matches("input, select, textarea")
      || !getSelection().isCollapsed
      || [...document.querySelectorAll("input, select, textarea")].some(isChanged);
  }

  const likes = (one) => [one.tagName, one.id, one.name, one.value, one.getAttribute("href")].join();
  const alike = (one) => [...main.querySelectorAll(one.tagName)].filter((other) => likes(other) === likes(one));
  const opened = () => [...main.querySelectorAll("details > summary")].map((one) => [one.textContent, one.parentElement]);

  function show(fresh) {
    const held = main.contains(document.activeElement) && document.activeElement !== main ? document.activeElement : null;
    const place = held ? alike(held).indexOf(held) : -1;
    const open = opened().filter(([, details]) => details.open).map(([words]) => words);
    const [across, down] = [scrollX, scrollY];
    main.replaceChildren(...fresh.childNodes);
    stamp().parentElement.append(stop);
    opened().forEach(([words, details]) => { details.open ||= open.includes(words); });
    if (held) (held === stop ? stop : alike(held)[place])?.focus({ preventScroll: true });
    scrollTo(across, down);
  }

  function fail(hasEnded) {
    const words = hasEnded ? "Sign in again" : "We go on trying.";
    const whole = `Not fresh since ${stamp().textContent}. ${words}`;
    if (note.textContent === whole) return; // said once, not each minute
    note.textContent = whole.slice(0, -words.length);
    note.append(hasEnded ? make("a", { href: location.href, textContent: words }) : words);
  }

  async function refresh() {
    if (stopped || document.hidden || isBusy()) return;
    asked = Date.now();
    let answer, fresh;
    try {
      // The header says that nobody is at work here: a page that stays open does not keep a session alive.
      answer = await fetch(location.href, { headers: { "Closures-Refresh": "1" }, signal: AbortSignal.timeout(PATIENCE) });
      fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    } catch {
      return fail(false);
    }
    if (answer.redirected || !fresh?.querySelector("[data-fresh]")) return fail(answer.redirected);
    if (isBusy()) return;
    note.textContent = "";
    show(fresh);
  }

  stamp().parentElement.append(stop);
  setInterval(refresh, EVERY);
  addEventListener("visibilitychange", () => { if (Date.now() - asked >= EVERY) refresh(); });
})();
