// Makes the pictures that systems show of an installed site, of static/img/icon.svg. Run
// it after that changed, and commit what it made: node scripts/icons.mjs (with CHROMIUM
// set to a browser's path if Playwright has none of its own).

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const images = join(dirname(dirname(fileURLToPath(import.meta.url))), "static/img");

/**
 * Name, pixels, and how much of them the sign takes. A system cuts the edges of a maskable
 * one (W3C Web Application Manifest: all that matters is within 80 %), and the corners of Apple's.
 * @type {[string, number, number][]}
 */
const icons = [["icon-192.png", 192, 1], ["icon-512.png", 512, 1], ["icon-maskable-512.png", 512, 0.8], ["apple-touch-icon.png", 180, 0.9]];

const svg = await readFile(join(images, "icon.svg"), "utf8");
const ground = svg.match(/<rect [^>]*fill="(#[0-9a-f]{6})"/)?.[1];
if (!ground) throw new Error("icon.svg has no <rect fill=…> as its ground");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || undefined, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
const page = await browser.newPage();
for (const [name, pixels, part] of icons) {
  await page.setViewportSize({ width: pixels, height: pixels });
  const size = Math.round(pixels * part);
  const behind = part < 1 ? `background:${ground}` : "";
  await page.setContent(`<style>html,body{margin:0;height:100%;${behind}}body{display:grid;place-items:center}svg{width:${size}px;height:${size}px}</style>${svg}`);
  await page.screenshot({ path: join(images, name), omitBackground: part === 1 });
}
await browser.close();
