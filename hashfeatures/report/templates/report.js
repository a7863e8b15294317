"use strict";
// Shows the groups that are embedded in the page as JSON, one page at a time. Everything from
// outside (paths, labels) is set as text, never as HTML.
(() => {
  const tools = document.getElementById("hf-tools");
  if (!tools) return;
  const { groups, images, parts, thumbnails, folder } = JSON.parse(document.getElementById("hf-data").textContent);
  const GROUPS_A_PAGE = 20;
  const IMAGES_A_GROUP = 60;
  const chosen = new Set();
  let page = 0;
  let shown = [];

  const find = (id) => document.getElementById(id);
  const filter = find("hf-filter"), kind = find("hf-kind"), order = find("hf-order");
  const number = (value) => value.toLocaleString("en");
  const plural = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Two digits, never more than the agreement is.
  const agree = (value) => (Math.floor(Math.round(value * 10000) / 100) / 100).toFixed(2);

  const size = (bytes) => {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    while (bytes >= 1000 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
    return `${bytes < 10 && unit ? bytes.toFixed(1) : bytes.toFixed(0)} ${units[unit]}`;
  };

  const KINDS = {
    all: () => true,
    leak: (group) => group.leak,
    conflict: (group) => group.conflict,
    exact: (group) => group.diameter === 0,
    apart: (group) => group.diameter !== 0,
  };
  const firstRow = (group) => images[group.images[0]].row;
  const ORDERS = {
    size: (a, b) => b.images.length - a.images.length || (b.diameter ?? 0) - (a.diameter ?? 0),
    doubt: (a, b) => (a.weakest_link ?? 1) - (b.weakest_link ?? 1) || (b.diameter ?? 0) - (a.diameter ?? 0) || b.images.length - a.images.length,
    row: (a, b) => firstRow(a) - firstRow(b),
  };

  const pathOf = (image) => image.shown ?? image.path;
  const below = (path) => path.startsWith(folder) ? path.slice(folder.length) : path;
  const text = images.map((image) => pathOf(image).toLowerCase());

  const factsOf = (image) => {
    const known = [];
    if (image.distance !== null) known.push(plural(image.distance, "bit"));
    if (image.agreement !== null) known.push(`agreement ${agree(image.agreement)}`);
    if (image.width) known.push(`${image.width}×${image.height}`);
    if (image.format) known.push(image.format);
    if (image.bytes !== null) known.push(size(image.bytes));
    return known;
  };

  const showFacts = (facts, image) => {
    facts.replaceChildren();
    for (const fact of factsOf(image)) facts.append(make("span", "hf-fact", fact), " ");
  };

  // The address of a file or a web page, never a script: every part of a path is escaped.
  const addressOf = ({ path, shown: odd }) => {
    if (odd !== undefined || path.startsWith("<")) return null;
    const hasDrive = /^[a-z]:[\\/]/i.test(path), isShared = path.startsWith("\\\\");
    const parts = path.split(hasDrive || isShared ? /[\\/]/ : "/").map(encodeURIComponent).join("/");
    if (hasDrive) return `file:///${parts.replace("%3A", ":")}`;
    if (isShared) return `file:${parts}`;
    if (path.includes("://")) return /^https?:\/\//.test(path) ? path : null;
    return path.startsWith("/") ? `file://${parts}` : `./${parts}`;
  };

  const large = find("hf-large"), stage = find("hf-stage"), fade = find("hf-fade");
  const [own, other] = stage.querySelectorAll("img");
  const placeOf = new Map(images.map((image, place) => [image.row, place]));
  let enlarged = [];
  let at = 0;
  let view = "image";

  // The place of the kept image that an image is compared with; null if there is no picture.
  const keptFor = (place) => {
    const kept = placeOf.get(images[place].stand_in);
    return kept === undefined || kept === place || !thumbnails[kept] || !thumbnails[place] ? null : kept;
  };

  const NOTES = {
    difference: "Black where the two agree; differences are three times as bright. Only what both show is compared.",
  };

  // Lays an image over the kept one: `overlay` maps its points there, in units of the sides.
  const layOver = (overlay) => {
    const [a, b, c, d, e, f] = overlay;
    const ratio = other.naturalWidth / other.naturalHeight;
    if (!ratio) return;
    stage.style.width = `min(86vw, 900px, ${62 * ratio}vh)`;
    stage.style.aspectRatio = ratio;
    own.style.transform =
      `translate(${100 * c}%, ${100 * f}%) matrix(${a}, ${d / ratio}, ${b * ratio}, ${e}, 0, 0)`;
    own.style.opacity = view === "overlay" ? fade.querySelector("input").value / 100 : 1;
    const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(
      ([x, y]) => `${100 * (a * x + b * y + c)}% ${100 * (d * x + e * y + f)}%`);
    stage.style.clipPath = view === "difference" ? `polygon(${corners.join(", ")})` : "";
  };

  const showView = () => {
    const place = enlarged[at];
    const { overlay } = images[place];
    const kept = keptFor(place);
    const isLaid = (name) => name === "overlay" || name === "difference";
    const now = kept === null ? "image" : isLaid(view) && !overlay ? "beside" : view;
    find("hf-views").hidden = kept === null;
    for (const button of find("hf-views").children) {
      button.hidden = isLaid(button.dataset.view) && !overlay;
      button.setAttribute("aria-pressed", button.dataset.view === now);
    }
    stage.dataset.view = now;
    stage.classList.toggle("hf-laid", isLaid(now));
    stage.removeAttribute("style");
    own.removeAttribute("style");
    fade.hidden = now !== "overlay";
    find("hf-note").textContent = NOTES[now] ?? "";
    if (isLaid(now)) layOver(overlay);
  };
  other.addEventListener("load", () => { if (large.open) showView(); });

  const enlarge = (by) => {
    at = (at + by + enlarged.length) % enlarged.length;
    const place = enlarged[at];
    const kept = keptFor(place);
    own.src = thumbnails[place];
    own.alt = large.querySelector("code").textContent = pathOf(images[place]);
    other.removeAttribute("src");
    if (kept !== null) other.src = thumbnails[kept];
    other.alt = stage.querySelector("span").textContent = kept === null ? "" : pathOf(images[kept]);
    showFacts(large.querySelector(".hf-facts"), images[place]);
    find("hf-relation").textContent = images[place].relation ?? "";
    const link = large.querySelector("a");
    const address = addressOf(images[place]);
    link.hidden = address === null;
    if (address !== null) link.href = address;
    showView();
    if (!large.open) large.showModal();
  };

  const open = (place, places, asView) => {
    view = asView;
    enlarged = places.filter((one) => thumbnails[one]);
    at = enlarged.indexOf(place);
    enlarge(0);
  };

  const showImage = (place, places) => {
    const image = images[place];
    const path = pathOf(image);
    const item = make("li", image.kept ? "hf-image hf-kept" : "hf-image");
    const label = make("label");
    if (thumbnails[place]) {
      const picture = make("img");
      picture.src = thumbnails[place];
      picture.alt = path;
      picture.loading = "lazy";
      const button = make("button", "hf-zoom");
      button.type = "button";
      button.title = "Enlarge";
      button.append(picture);
      button.addEventListener("click", () => open(place, places, "image"));
      item.append(button);
    } else {
      item.append(make("div", "hf-blank", "no picture"));
    }
    const marks = make("div", "hf-marks");
    if (image.kept) marks.append(make("span", "hf-mark hf-good", "kept"));
    if (image.part !== null) marks.append(make("span", "hf-mark", image.part));
    if (image.class !== null) marks.append(make("span", "hf-mark", image.class));
    const facts = make("div", "hf-facts");
    showFacts(facts, image);
    const box = make("input");
    box.type = "checkbox";
    box.checked = chosen.has(place);
    box.dataset.place = place;
    marks.prepend(box);
    const name = make("div", "hf-path", below(path));
    name.title = path;
    label.append(marks, facts);
    if (image.relation !== null) label.append(make("div", "hf-relation", image.relation));
    label.append(name);
    item.append(label);
    if (keptFor(place) !== null) {
      const compare = make("button", "hf-compare", "Compare");
      compare.type = "button";
      compare.title = `Compare with the kept image, ${below(pathOf(images[keptFor(place)]))}`;
      compare.addEventListener("click", () => open(place, places, image.overlay ? "overlay" : "beside"));
      item.append(compare);
    }
    return item;
  };

  const showImages = (places, group = places) => {
    const list = make("ul", "hf-images");
    list.append(...places.slice(0, IMAGES_A_GROUP).map((place) => showImage(place, group)));
    return list;
  };

  const showGroup = (group) => {
    const section = make("section", "hf-group");
    const most = group.diameter === 0 ? "" : "at most ";
    const apart = group.diameter === null ? "" : `, ${most}${plural(group.diameter, "bit")} apart`;
    const weakest = group.weakest_link === null ? "" : `, weakest link ${agree(group.weakest_link)}`;
    const title = make("h3", "", `${plural(group.images.length, "image")}${apart}${weakest} `);
    if (group.leak) title.append(make("span", "hf-mark hf-warn", "leak"), " ");
    if (group.conflict) title.append(make("span", "hf-mark hf-warn", "different labels"));
    section.append(title);
    if (group.leak) {
      const sides = make("div", "hf-side");
      for (const part of parts) {
        const places = group.images.filter((place) => images[place].part === part);
        if (!places.length) continue;
        const side = make("div");
        side.append(make("h4", "", `${part}: ${plural(places.length, "image")}`), showImages(places, group.images));
        sides.append(side);
      }
      section.append(sides);
    } else {
      section.append(showImages(group.images));
    }
    if (group.images.length > IMAGES_A_GROUP) {
      section.append(make("p", "", `${plural(group.images.length, "image")} in all`));
    }
    return section;
  };

  const showChosen = () => {
    find("hf-chosen").textContent = `${number(chosen.size)} selected`;
    find("hf-copy").disabled = find("hf-save").disabled = find("hf-none").disabled = !chosen.size;
  };

  const showPage = () => {
    const last = Math.max(Math.ceil(shown.length / GROUPS_A_PAGE) - 1, 0);
    page = Math.min(Math.max(page, 0), last);
    const start = page * GROUPS_A_PAGE;
    const some = shown.slice(start, start + GROUPS_A_PAGE);
    find("hf-groups").replaceChildren(
      ...(some.length ? some.map(showGroup) : [make("p", "", "No groups match this filter.")]));
    find("hf-page").textContent =
      `Page ${number(page + 1)} of ${number(last + 1)} (${plural(shown.length, "group")})`;
    find("hf-previous").disabled = page === 0;
    find("hf-next").disabled = page === last;
    showChosen();
  };

  const choose = () => {
    const wanted = filter.value.toLowerCase();
    const isKind = KINDS[kind.value];
    shown = groups.filter((group) => isKind(group)
      && (!wanted || group.images.some((place) => text[place].includes(wanted))));
    shown.sort(ORDERS[order.value]);
    page = 0;
    showPage();
  };

  const turn = (by) => { page += by; showPage(); find("hf-title").scrollIntoView(); };

  // One path per line, in the format that the command reads.
  const listed = () => [...chosen].sort((a, b) => a - b).map((place) => {
    const { path, line } = images[place];
    return line ?? path;
  }).join("\n") + "\n";

  const copy = async () => {
    const status = find("hf-chosen");
    try {
      await navigator.clipboard.writeText(listed());
    } catch {
      const area = make("textarea");
      area.value = listed();
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    status.textContent = `${plural(chosen.size, "path")} copied`;
  };

  const save = () => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([listed()], { type: "text/plain" }));
    link.download = "images.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  filter.addEventListener("input", choose);
  kind.addEventListener("change", choose);
  order.addEventListener("change", choose);
  find("hf-previous").addEventListener("click", () => turn(-1));
  find("hf-next").addEventListener("click", () => turn(1));
  find("hf-all").addEventListener("click", () => {
    for (const group of shown) {
      for (const place of group.images) if (!images[place].kept) chosen.add(place);
    }
    showPage();
  });
  find("hf-none").addEventListener("click", () => { chosen.clear(); showPage(); });
  find("hf-copy").addEventListener("click", copy);
  find("hf-save").addEventListener("click", save);
  find("hf-groups").addEventListener("change", (event) => {
    const place = Number(event.target.dataset.place);
    if (event.target.checked) chosen.add(place); else chosen.delete(place);
    showChosen();
  });
  large.addEventListener("click", (event) => {
    const { by, view: chosenView } = event.target.dataset;
    if (event.target === large || by === "0") large.close();
    else if (by) enlarge(Number(by));
    else if (event.target.closest("#hf-views button")) { view = chosenView; showView(); }
  });
  fade.addEventListener("input", showView);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (large.open) {
      if (event.target.closest("input")) return;
      const chosenView = find("hf-views").querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
      if (chosenView) chosenView.click();
      if (event.key === "ArrowLeft") enlarge(-1);
      if (event.key === "ArrowRight") enlarge(1);
      return;
    }
    if (event.target === filter && event.key === "Escape") {
      filter.value = "";
      choose();
      filter.blur();
    }
    if (event.target.closest("input[type=search], select")) return;
    if (event.key === "/") { filter.focus(); event.preventDefault(); }
    if (event.key === "ArrowLeft" && !find("hf-previous").disabled) turn(-1);
    if (event.key === "ArrowRight" && !find("hf-next").disabled) turn(1);
  });

  tools.hidden = find("hf-choice").hidden = false;
  choose();
})();
