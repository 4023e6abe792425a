// Full-text search without a server: sections.js holds the text of every section, and is loaded when
// somebody begins to search. It sets SECTIONS to a list of [page, anchor, lecture, section, text].
"use strict";

const MOST = 20; // results that are shown
const form = document.querySelector("form[role=search]");
const input = form.querySelector("input");
const found = document.getElementById("_found");

// Lower case without accents; each character stays one, so that places in the text stay valid.
const plain = (text) =>
  Array.from(text, (c) => [...c.normalize("NFKD")][0].toLowerCase()).join("");

function load() {
  return (load.once ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "sections.js";
    script.onload = () => {
      resolve(SECTIONS.map(([page, anchor, lecture, section, text]) => ({
        url: `${page}#${anchor}`, lecture, section, text,
        heading: plain(`${lecture} ${section}`), body: plain(text),
      })));
    };
    script.onerror = reject;
    document.head.append(script);
  }));
}

// What is looked for: each word, at the beginning of a word; and what makes a hit a good one, the
// best first: all words as a phrase, then a whole word, then the beginning of one.
function query(words) {
  const begins = (text) => new RegExp(`(?<![\\p{L}\\p{N}])${text}`, "gu");
  const whole = (text) => new RegExp(`${begins(text).source}(?![\\p{L}\\p{N}])`, "gu");
  const phrase = words.join("[^\\p{L}\\p{N}]+");
  return {
    needed: words.map(begins),
    best: [whole(phrase), begins(phrase), ...words.map(whole), ...words.map(begins)],
  };
}

// A section is found if each word begins a word of it; the more often, in headings and as a phrase,
// the better.
function score(section, { needed, best }) {
  const hits = (text, pattern) => (text.match(pattern) ?? []).length;
  const points = (pattern) =>
    10 * Math.min(hits(section.heading, pattern), 1) + Math.log2(1 + hits(section.body, pattern));
  const words = needed.map(points);
  const phrases = best.slice(0, 2).map(points);
  return words.every(Boolean) ? [...words, ...phrases].reduce((sum, each) => sum + each) : 0;
}

function excerpt(section, { best }) {
  const paragraph = document.createElement("p");
  const pattern = best.find((pattern) => section.body.search(pattern) >= 0) ?? /^/;
  const at = section.body.search(pattern);
  const from = Math.max(at - 60, 0);
  const [match] = section.body.slice(at).match(pattern) ?? [""];
  const mark = document.createElement("mark");
  mark.textContent = section.text.slice(at, at + match.length);
  const rest = section.text.slice(at + match.length, at + match.length + 120);
  paragraph.append(from ? "…" : "", section.text.slice(from, at), mark, rest, "…");
  return paragraph;
}

function result(section, wanted) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = section.url;
  const place = document.createElement("small");
  place.textContent = section.lecture;
  link.append(section.section, " ", place);
  item.append(link, excerpt(section, wanted));
  return item;
}

async function search() {
  const words = plain(input.value).match(/[\p{L}\p{N}_]+/gu) ?? [];
  found.hidden = words.length === 0;
  if (found.hidden) return;
  const sections = await load();
  const wanted = query(words);
  const ranked = sections
    .map((section) => [score(section, wanted), section])
    .filter(([points]) => points > 0)
    .sort(([a], [b]) => b - a);
  const count = ranked.length === 1 ? "1 section" : `${ranked.length} sections`;
  const shown = ranked.length > MOST ? `; the best ${MOST} are shown` : "";
  found.querySelector("p").textContent = count + shown;
  const items = ranked.slice(0, MOST).map(([, section]) => result(section, wanted));
  found.querySelector("ol").replaceChildren(...items);
}

form.hidden = false;
input.addEventListener("focus", load);
input.addEventListener("input", search);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  found.querySelector("a")?.click();
});
found.addEventListener("click", (event) => {
  if (event.target.closest("a")) found.hidden = true;
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    input.focus();
  } else if (event.key === "Escape" && !found.hidden) {
    found.hidden = true;
    input.focus();
  }
});
