// The looks that the site and docs/THEMING.md have: what is read on what, in both themes, has
// the contrast that WCAG asks for (1.4.3, 1.4.11).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

/** The colours of a style sheet: of each name its value in the light theme, and in the dark one. */
const colours = (css) => new Map([...css.matchAll(/(--[\w-]+): light-dark\((?:var\([\w-]+, )?(#[0-9a-f]{6})\)?, (?:var\([\w-]+, )?(#[0-9a-f]{6})/g)].map(([, name, light, dark]) => [name, { light, dark }]));

const site = colours(read("static/css/tokens.css"));
const blocks = [...read("docs/THEMING.md").matchAll(/```css\n([^]*?)```/g)].map(([, css]) => css);
const looks = { "the site's own": site, ...Object.fromEntries(blocks.map((css, i) => [`look ${i + 1} of THEMING.md`, new Map([...site, ...colours(css)])])) };

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

const grounds = ["--surface", "--raised", "--ground"];
const pairs = [
  ...grounds.flatMap((ground) => ["--ink", "--ink-soft", "--accent", "--bad", "--good"].map((ink) => ({ ink, ground, least: 4.5 }))),
  { ink: "--on-accent", ground: "--accent", least: 4.5 },
  ...grounds.map((ground) => ({ ink: "--line-strong", ground, least: 3 })),
];

test("THEMING.md shows two other looks", () => assert.equal(blocks.length, 2));

for (const [name, look] of Object.entries(looks)) {
  test(`${name} can be read`, () => {
    for (const { ink, ground, least } of pairs) {
      for (const theme of ["light", "dark"]) {
        const [above, below] = [look.get(ink)?.[theme], look.get(ground)?.[theme]];
        assert.ok(above && below, `${ink} and ${ground} have colours`);
        const is = contrast(above, below);
        assert.ok(is >= least, `${ink} on ${ground} in the ${theme} theme: ${is.toFixed(2)}, wanted ${least}`);
      }
    }
  });
}
