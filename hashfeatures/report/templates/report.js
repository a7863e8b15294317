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
    doubt: (a, b) => (b.diameter ?? 0) - (a.diameter ?? 0) || b.images.length - a.images.length,
    row: (a, b) => firstRow(a) - firstRow(b),
  };

  const pathOf = (image) => image.shown ?? image.path;
  const below = (path) => path.startsWith(folder) ? path.slice(folder.length) : path;
  const text = images.map((image) => pathOf(image).toLowerCase());

  const factsOf = (image) => {
    const known = [];
    if (image.distance !== null) known.push(plural(image.distance, "bit"));
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
    if (path.includes("://")) return /^https?:\/\//.test(path) ? path : null;
    const isWindows = /^[a-z]:\\/i.test(path);
    const parts = path.split(isWindows ? "\\" : "/").map(encodeURIComponent).join("/");
    if (isWindows) return `file:///${parts.replace("%3A", ":")}`;
    return path.startsWith("/") ? `file://${parts}` : `./${parts}`;
  };

  const large = find("hf-large");
  let enlarged = [];
  let at = 0;
  const enlarge = (by) => {
    at = (at + by + enlarged.length) % enlarged.length;
    const place = enlarged[at];
    const picture = large.querySelector("img");
    picture.src = thumbnails[place];
    picture.alt = large.querySelector("code").textContent = pathOf(images[place]);
    showFacts(large.querySelector(".hf-facts"), images[place]);
    const link = large.querySelector("a");
    const address = addressOf(images[place]);
    link.hidden = address === null;
    if (address !== null) link.href = address;
    if (!large.open) large.showModal();
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
      button.addEventListener("click", () => {
        enlarged = places.filter((other) => thumbnails[other]);
        at = enlarged.indexOf(place);
        enlarge(0);
      });
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
    label.append(marks, facts, name);
    item.append(label);
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
    const title = make("h3", "", `${plural(group.images.length, "image")}${apart} `);
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
    const { by } = event.target.dataset;
    if (event.target === large || by === "0") large.close();
    else if (by) enlarge(Number(by));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (large.open) {
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
