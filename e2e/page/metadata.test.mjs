// What goes out of a photo before it is sent. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutMetadata } from "../../static/js/chat/composer/metadata.js";

const ascii = (text) => [...text].map((letter) => letter.charCodeAt(0));
const segment = (marker, ...content) => [0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 0xff, ...content];

/** EXIF of a camera that was held in some way, with the place after it. */
function exif(orientation, little = false) {
  const number = (value, size) => {
    const bytes = Array.from({ length: size }, (_, i) => (value >> (8 * (size - 1 - i))) & 0xff);
    return little ? bytes.reverse() : bytes;
  };
  const entry = (tag, type, value) => [...number(tag, 2), ...number(type, 2), ...number(1, 4), ...number(value, 2), 0, 0];
  return segment(0xe1, ...ascii("Exif\0\0"), ...ascii(little ? "II" : "MM"), ...number(42, 2), ...number(8, 4), ...number(2, 2), ...entry(0x10f, 2, 7), ...entry(0x112, 3, orientation), 0, 0, 0, 0, ...ascii("51.5 N 0.1 W"));
}

const SOI = [0xff, 0xd8];
const jfif = segment(0xe0, ...ascii("JFIF\0"), 1, 1, 0, 0, 1, 0, 1, 0, 0);
const colours = segment(0xe2, ...ascii("ICC_PROFILE\0"), 1, 1, 9, 9);
const adobe = segment(0xee, ...ascii("Adobe"), 0, 100, 0, 0, 0, 0, 1);
const tables = [...segment(0xdb, 0, 1, 2, 3), ...segment(0xc0, 8, 0, 1, 0, 1), ...segment(0xc4, 0, 7)];
const scan = [...segment(0xda, 1, 1, 0, 0, 63, 0), 1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0xff, 0];
const EOI = [0xff, 0xd9];
const of = async (...parts) => [...new Uint8Array(await (await withoutMetadata(new File([new Uint8Array(parts.flat())], "tree.jpg", { type: "image/jpeg", lastModified: 7 }))).arrayBuffer())];
const text = (bytes) => String.fromCharCode(...bytes);

test("of a photo the picture stays, with its colours and how the camera was held; nothing else", async () => {
  const place = segment(0xe1, ...ascii("http://ns.adobe.com/xap/1.0/\0<GPS>51.5</GPS>"));
  const caption = segment(0xed, ...ascii("Photoshop 3.0\0at home"));
  const others = segment(0xe2, ...ascii("MPF\0"), 1, 2);
  const said = segment(0xfe, ...ascii("at home"));
  const small = segment(0xe0, ...ascii("JFXX\0"), 0x10, ...SOI, ...EOI);
  for (const little of [false, true]) {
    const got = await of(SOI, jfif, small, exif(6, little), place, colours, others, adobe, caption, said, tables, scan, tables, scan, EOI, ascii("another picture, 51.5 N"));
    const held = got.slice(SOI.length + jfif.length, SOI.length + jfif.length + 36);
    assert.equal(text(held.slice(4, 10)), "Exif\0\0");
    assert.deepEqual(held.slice(-18, -4), [0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]);
    assert.deepEqual(got, [SOI, jfif, held, colours, adobe, tables, scan, tables, scan, EOI].flat());
  }
});

test("one that was held upright needs not say so, nor does one that cannot be read", async () => {
  for (const camera of [exif(1), exif(77), segment(0xe1, ...ascii("Exif\0\0MM\0*"), 0, 0, 1, 0), segment(0xe1, ...ascii("Exif\0\0"))]) {
    assert.deepEqual(await of(SOI, camera, tables, scan, EOI), [SOI, tables, scan, EOI].flat());
  }
});

test("what is cut short loses it as well", async () => {
  assert.deepEqual(await of(SOI, exif(3), tables, scan), [SOI, heldAs3(), tables, scan].flat());
  assert.deepEqual(await of(SOI, tables, scan, exif(3).slice(0, 20)), [SOI, tables, scan].flat()); // nobody knows how the camera was held
});
const heldAs3 = () => [0xff, 0xe1, 0, 34, ...ascii("Exif\0\0MM\0*"), 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0];

test("what is no photo stays as it is", async () => {
  for (const raw of [[], [0xff], ascii("\x89PNG\r\n\x1a\n"), [...SOI], [...SOI, ...exif(6)], [0, 0, ...tables, ...scan], [...SOI, 0xff, 0xe1, 0xff, 0xff]]) {
    assert.deepEqual(await of(raw), raw);
  }
});

test("name, type and time stay", async () => {
  const { name, type, lastModified } = await withoutMetadata(new File([new Uint8Array([...SOI, ...exif(6), ...tables, ...scan, ...EOI])], "tree.jpg", { type: "image/jpeg", lastModified: 7 }));
  assert.deepEqual([name, type, lastModified], ["tree.jpg", "image/jpeg", 7]);
});
