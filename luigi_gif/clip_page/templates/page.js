
(() => {
  "use strict";
  const list = document.querySelector("main ul");
  const form = document.querySelector("form");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const HOVER_MS = 80;  // a pointer that passes over a clip does not fetch it
  let playing = null;  // the stage whose clip plays
  let isPressed = false;  // it plays on when the pointer leaves
  let timer = 0;

  function picture(card) {
    const image = new Image();
    image.alt = "";
    image.onload = () => image.parentNode?.classList.add("moves");
    image.src = card.querySelector(".files a").href;
    return image;
  }

  function moving(card) {
    const files = [...card.querySelectorAll('.files a[type^="video/"]')];
    if (!files.length) return picture(card);
    const video = document.createElement("video");
    video.muted = video.loop = video.autoplay = video.playsInline = true;
    for (const file of files) {
      const source = document.createElement("source");
      source.src = file.href;
      source.type = file.type;
      video.append(source);
    }
    video.onloadeddata = () => video.parentNode?.classList.add("moves");
    video.lastChild.onerror = () => video.replaceWith(picture(card));  // no source can be played
    return video;
  }

  function stop() {
    clearTimeout(timer);
    if (!playing) return;
    playing.classList.remove("moves");
    playing.lastChild.remove();
    playing.setAttribute("aria-pressed", "false");
    playing = null;
  }

  function play(stage, pressed) {
    if (stage === playing) return;
    stop();
    playing = stage;
    isPressed = pressed;
    stage.append(moving(stage.closest("li")));
    stage.setAttribute("aria-pressed", "true");
  }

  function leave(stage) {
    clearTimeout(timer);
    if (stage === playing && !isPressed) stop();
  }

  for (const link of list.querySelectorAll("a.stage")) {
    const stage = document.createElement("button");
    stage.type = "button";
    stage.className = "stage";
    stage.setAttribute("aria-label", `Play ${link.getAttribute("aria-label")}`);
    stage.setAttribute("aria-pressed", "false");
    stage.append(...link.childNodes);
    stage.onclick = () => (stage === playing ? stop() : play(stage, true));
    stage.onfocus = () => { if (!still.matches && stage.matches(":focus-visible")) play(stage, false); };
    stage.onblur = () => { if (stage === playing) stop(); };
    stage.onpointerenter = (event) => {
      if (event.pointerType !== "mouse" || still.matches) return;
      clearTimeout(timer);
      timer = setTimeout(play, HOVER_MS, stage, false);
    };
    stage.onpointerleave = (event) => { if (event.pointerType === "mouse") leave(stage); };
    link.replaceWith(stage);
  }

  const numerals = new Intl.Collator(undefined, { numeric: true });
  const cards = [...list.children].map((card) => {
    const name = card.querySelector("h2").textContent;
    const source = card.querySelector(".source")?.textContent ?? "";
    const made = card.querySelector("time")?.dateTime ?? "";
    return { card, name, made, text: `${name} ${source}`.toLowerCase() };
  });
  const orders = {
    newest: () => 0,  // as they stand
    oldest: (a, b) => (a.made < b.made ? -1 : a.made > b.made ? 1 : 0),
    name: (a, b) => numerals.compare(a.name, b.name),
  };

  function filter() {
    const words = form.elements.name.value.toLowerCase().split(/\s+/);
    const [since, until] = [form.elements.since.value, form.elements.until.value];
    let found = 0;
    for (const { card, made, text } of cards) {
      const day = made.slice(0, 10);
      const isFound = words.every((word) => text.includes(word))
        && (!since || day >= since) && (!until || (day && day <= until));
      card.hidden = !isFound;
      found += isFound;
    }
    form.elements.found.value = found === cards.length ? "" : `${found} of ${cards.length}`;
  }

  function sort() {
    list.append(...[...cards].sort(orders[form.elements.order.value]).map(({ card }) => card));
  }

  form.oninput = filter;
  form.elements.order.onchange = sort;
  form.onsubmit = (event) => event.preventDefault();
  form.hidden = false;
  filter();
})();
