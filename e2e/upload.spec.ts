// Files in the chat: pictures show in place, the rest comes as a file to be
// saved, and what is refused says why (S-98, S-99).

import { readFile } from "node:fs/promises";
import type { Locator } from "@playwright/test";
import { violations } from "./support/axe.ts";
import { attach, choose, expectShown, type File, images, picture, tray } from "./support/files.ts";
import { bubble, reply, retract, tombstones } from "./support/messages.ts";
import { comeToRest } from "./support/rest.ts";
import { enterRoom, expect, makeRoom, type Person, screens, type Site, test } from "./support/test.ts";

/** A link to a file in the chat, by the file's name. */
function link(person: Person, name: string): Locator {
  return person.page.locator(`#chat .chat-msg a[href$="/${encodeURIComponent(name)}"]`);
}

test("files are cards, sound plays in place, and pictures are looked at one by one", async ({ alice, visit, site }) => {
  await makeRoom(alice, "Photo club");
  const bob = await visit("bob");
  await bob.signIn();
  await enterRoom(bob, "Photo club");
  await test.step("a picture shows in a room, to everybody there", async () => {
    await attach(alice, await picture(alice, "evening.png"));
    for (const person of [alice, bob]) await expectShown(images(person));
    await bob.page.reload();
    await expectShown(images(bob));
  });

  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await test.step("cards, sound, and pictures one by one", () => lookAtFiles(alice, bob));
  await test.step("a picture shows in place, for both, and again after a reload", () => showPicture(alice, bob, site));
  await test.step("any other file comes to be saved, and is no page of the site", () => saveFiles(alice, bob));
});

test("a photo is seen upright, and tells nobody where it was taken", async ({ alice, bob }) => {
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  const taken = await alice.page.screenshot({ type: "jpeg", clip: { x: 0, y: 0, width: 320, height: 200 } });
  const place = Buffer.from("51.5 N, 0.1 W");
  const exif = Buffer.concat([Buffer.from("457869660000" + "4d4d002a00000008" + "0001" + "011200030000000100060000" + "00000000", "hex"), place]); // held on its side
  const app1 = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  await attach(alice, { name: "shed.jpg", mimeType: "image/jpeg", buffer: Buffer.concat([taken.subarray(0, 2), app1, exif, taken.subarray(2)]) });
  await expectShown(images(bob));
  expect(await images(bob).evaluate((i: HTMLImageElement) => [i.naturalWidth, i.naturalHeight])).toEqual([200, 320]);
  const sent = await bob.page.evaluate(async (address) => [...new Uint8Array(await (await fetch(address)).arrayBuffer())], await images(bob).getAttribute("src").then(String));
  expect(Buffer.from(sent).includes(place)).toBe(false);
});

test("a large photo is fetched small for the conversation, and as it was sent to be looked at or saved", async ({ alice, bob }) => {
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  const fetched: string[] = [];
  alice.page.on("request", (request) => void (request.method() === "GET" && request.url().includes("/upload/") && fetched.push(new URL(request.url()).pathname.split("/").pop()! + new URL(request.url()).search)));
  await attach(bob, await grain(bob, "field.jpg", 1600, 1200));
  await attach(bob, await picture(bob, "page.png")); // which is small
  await expectShown(images(alice).first());
  await expectShown(images(alice).last());
  const widths = (of: Locator) => of.evaluateAll((all) => (all as HTMLImageElement[]).map(({ naturalWidth }) => naturalWidth));
  expect(await widths(images(alice))).toEqual([1024, alice.page.viewportSize()!.width]);
  expect(fetched.toSorted()).toEqual(["field.jpg?small", "page.png?small"]);

  const photo = alice.page.getByRole("link", { name: "Picture: field.jpg" });
  expect(await photo.getAttribute("href")).toMatch(/\/field\.jpg$/);
  await photo.click();
  const viewer = alice.page.getByRole("dialog", { name: "Pictures" });
  await expectShown(viewer.getByRole("img"));
  expect(await widths(viewer.getByRole("img"))).toEqual([1600]);
  expect(fetched.at(-1)).toBe("field.jpg");
  await expect(viewer.getByRole("link", { name: "field.jpg" })).toHaveAttribute("href", /\/field\.jpg$/);
});

test("what could not be fetched is shown when the network is back", async ({ alice, bob }) => {
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await alice.say("Look");
  await bob.hears("Look");
  alice.watch.allow(/ERR_FAILED|Failed to load resource/);
  await alice.page.route(/\/(?:sea\.png\?small|plan\.pdf)$/, (route) => route.abort());
  await attach(bob, await picture(bob, "sea.png"));
  await attach(bob, { name: "plan.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(34_567, "x") });
  const card = (name: string) => alice.page.locator("#chat .file-card").filter({ hasText: name });
  await expect(card("sea.png")).toBeVisible();
  await expect(card("plan.pdf")).toBeVisible();
  await expect(card("plan.pdf")).not.toContainText("kB");
  await alice.context.setOffline(true);
  await expect(alice.notice()).toContainText("You are offline.");
  await alice.page.unrouteAll();
  await alice.context.setOffline(false);
  await expectShown(images(alice));
  await expect(card("sea.png")).toHaveCount(0);
  await expect(card("plan.pdf")).toContainText("34.6 kB");
});

async function lookAtFiles(alice: Person, bob: Person): Promise<void> {
  const { page } = alice;
  await attach(bob, { name: "plan.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(34_567, "x") });
  const card = page.locator("#chat .file-card").filter({ hasText: "plan.pdf" });
  await expect(card).toContainText("PDF · 34.6 kB");

  await attach(bob, { name: "birds.wav", mimeType: "audio/wav", buffer: silence() });
  const sound = page.locator("#chat .chat-msg audio");
  await expect(sound).toHaveAttribute("aria-label", "birds.wav");
  await expect.poll(() => sound.evaluate((audio: HTMLAudioElement) => audio.duration)).toBeGreaterThan(0);

  for (const name of ["first.png", "second.png"]) await attach(bob, await picture(bob, name));
  await expect(images(alice)).toHaveCount(2);
  await expect(page.locator("#chat .pictures converse-chat-message")).toHaveCount(2); // side by side
  await expectShown(images(alice).first());
  const left = async (of: Locator) => Math.round((await of.boundingBox())!.x);
  expect(await left(images(alice).first()), "below what was said before").toBe(await left(card));
  const opener = page.getByRole("link", { name: "Picture: first.png" });
  await opener.focus();
  await page.keyboard.press("Enter");
  const viewer = page.getByRole("dialog", { name: "Pictures" });
  await expect(viewer).toContainText("first.png1 of 2");
  await page.keyboard.press("ArrowRight");
  await expect(viewer).toContainText("second.png2 of 2");
  await page.keyboard.press("ArrowRight");
  await expect(viewer).toContainText("first.png");
  await page.keyboard.press("Escape");
  await expect(viewer).toHaveCount(0);
  await expect(opener).toBeFocused();
  await test.step("a sound and a picture that moves are shown within a text, too", () => withinText(alice, bob));
}

async function withinText(alice: Person, bob: Person): Promise<void> {
  await attach(bob, { name: "moves.gif", mimeType: "image/gif", buffer: Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64") });
  const moves = images(alice).and(alice.page.locator('[src$="moves.gif"]'));
  await expectShown(moves);
  alice.watch.allow(/404|moves\.mp3/);
  bob.watch.allow(/404|moves\.mp3/);
  const address = (await moves.getAttribute("src"))!;
  await bob.type(`So it moves: ${address} and sounds: ${address.replace(/gif$/, "mp3")}`);
  const said = alice.page.locator("#chat .chat-msg__text", { hasText: "So it moves" });
  await expectShown(said.locator("img.chat-image"));
  await expect(said.locator("audio")).toBeVisible();
}

async function showPicture(alice: Person, bob: Person, site: Site): Promise<void> {
  await expect(alice.page.getByTitle("Choose a file to send")).toBeVisible();
  const before = (await site.counts()).foyer_uploads_total!;
  await attach(alice, await picture(alice, "très cool (1).png"));
  const shown = (person: Person) => images(person).and(person.page.locator('[src*="cool"]'));
  await expectShown(shown(bob));
  await expectShown(shown(alice));
  await alice.page.reload();
  await expectShown(shown(alice));
  expect((await site.counts()).foyer_uploads_total).toBe(before + 1);

  // Opened by itself it shows, too. It has no origin and no scripts there, not
  // even those that browsers and this test bring.
  const address = await shown(bob).getAttribute("src");
  const alone = await bob.newTab();
  alone.watch.allow(/the document's frame is sandboxed/, /favicon.ico/);
  const response = await alone.page.goto(address!);
  expect(response!.headers()["content-security-policy"]).toContain("sandbox");
  await expectShown(alone.page.locator("img"));
  await alone.page.close();
}

async function saveFiles(alice: Person, bob: Person): Promise<void> {
  const text = "<!doctype html><script>document.title = 'mine'</script>";
  for (const name of ["notes.txt", "page.html", "drawing.svg", "fake.png"]) {
    const mimeType = { txt: "text/plain", html: "text/html", svg: "image/svg+xml", png: "image/png" }[name.split(".")[1]!]!;
    await test.step(name, async () => {
      await attach(alice, { name, mimeType, buffer: Buffer.from(text) });
      await expect(link(bob, name).first()).toBeVisible();
      const address = (await link(bob, name).first().getAttribute("href"))!;
      const tab = await bob.context.newPage();
      const saving = tab.waitForEvent("download");
      await expect(tab.goto(address), "no page is opened").rejects.toThrow(/Download is starting/);
      const download = await saving;
      expect(download.suggestedFilename()).toBe(name);
      expect(await readFile(await download.path(), "utf8")).toBe(text);
      await tab.close();
    });
  }
}

/** A second of it, at 8 kHz. */
function silence(): Buffer {
  const samples = 8000;
  const wav = Buffer.alloc(44 + samples, 128);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt32LE(0x0001_0001, 20); // PCM, one channel
  wav.writeUInt32LE(8000, 24);
  wav.writeUInt32LE(8000, 28);
  wav.writeUInt32LE(0x0008_0001, 32);
  wav.write("data", 36);
  wav.writeUInt32LE(samples, 40);
  return wav;
}

test.describe("with little room", () => {
  test.use({ settings: { UPLOAD_MAX_SIZE: "1500B", UPLOAD_QUOTA: "2000B" } });

  test("several files go in their order with the text after them, what fails is tried again, and what is refused says why", async ({ alice, bob }) => {
    await alice.talkTo("bob");
    await bob.talkTo("alice");
    await test.step("what is refused says why", () => findNoRoom(alice, bob));
    await test.step("several files", () => sendSeveral(alice, bob));
  });
});

async function findNoRoom(alice: Person, bob: Person): Promise<void> {
  const file = (name: string, bytes: number) => ({ name, mimeType: "text/plain", buffer: Buffer.alloc(bytes, "x") });
  await choose(alice, file("large.txt", 1501));
  await expect(tray(alice).getByText("It is too large: the limit is 1.5 kB.")).toBeVisible(); // before anything is sent
  await expect(tray(alice).getByRole("button", { name: "Try again" })).toHaveCount(0);
  await attach(alice, file("fits.txt", 1200)); // which is not in its way
  await expect(link(bob, "fits.txt").first()).toBeVisible();
  await tray(alice).getByRole("button", { name: "Remove: large.txt" }).click();
  await choose(alice, file("empty.txt", 0));
  await expect(tray(alice).getByRole("listitem").filter({ hasText: "empty.txt" })).toContainText("It is empty: there is nothing to send.");
  await choose(alice, file("fits later.txt", 1200));
  await alice.type("and what is written after it"); // waits for neither
  await bob.hears("and what is written after it");
  await tray(alice).getByRole("button", { name: "Remove: empty.txt" }).click();
  await expect(tray(alice).getByText(/no room for this file: yours take 1.2 kB of 2.0 kB/)).toBeVisible();

  // Room is made in the settings.
  await alice.goTo("Settings");
  await alice.page.getByRole("link", { name: "Show and delete my files" }).click();
  await expect(alice.page.getByRole("main").getByRole("link", { name: "fits.txt" })).toBeVisible();
  await alice.page.getByLabel("Delete fits.txt …").click();
  await alice.page.getByRole("button", { name: "Delete fits.txt for good" }).click();
  await expect(alice.page.getByText("The file has been deleted.")).toBeVisible();
  await alice.goTo("Home");
  await alice.talkTo("bob");
  await tray(alice).getByRole("button", { name: "Try again" }).click();
  await expect(link(bob, "fits later.txt").first()).toBeVisible();
  await expect(tray(alice)).toHaveCount(0);
}

async function sendSeveral(alice: Person, bob: Person): Promise<void> {
  const { page } = alice;
  alice.watch.allow(/\/upload\//);
  const text = (name: string): File => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) });
  let refuse = true;
  await alice.context.route(/\/upload\/.*second/, (route) => (refuse && route.request().method() === "PUT" ? route.abort() : route.continue()));

  await choose(alice, text("first.txt"), text("removed.txt"));
  await choose(alice, text("second.txt")); // and one more
  await alice.input().fill("that is all");
  await tray(alice).getByRole("button", { name: "Remove: removed.txt" }).click();
  await alice.input().press("Enter");
  await expect(tray(alice).getByRole("alert")).toHaveText("The file could not be sent.");
  await expect(link(bob, "first.txt")).toBeVisible();
  await expect(bob.message("that is all")).toHaveCount(0); // it waits for what goes before it
  await expect(tray(alice)).toContainText("that is all");
  refuse = false;
  await tray(alice).getByRole("button", { name: "Try again" }).click();
  await bob.hears("that is all");
  await expect(tray(alice)).toHaveCount(0);
  const order = await bob.page.locator("#chat .chat-msg__message").allInnerTexts();
  expect(order.flatMap((each) => /first|removed|second|all/.exec(each) ?? [])).toEqual(["first", "second", "all"]);

  await test.step("a file under way is stopped, and its text comes back", async () => {
    const arrived = new Promise<void>((resolve) => void alice.context.route(/\/upload\/.*third/, () => resolve())); // and gets no answer
    await choose(alice, text("third.txt"));
    await alice.input().fill("never mind");
    await page.getByTitle("Send the message").click();
    await arrived;
    await expect(tray(alice).getByRole("progressbar", { name: "Sending third.txt" })).toBeVisible();
    await tray(alice).getByRole("button", { name: "Cancel: never mind" }).click();
    await expect(alice.input()).toHaveValue("never mind");
    await tray(alice).getByRole("button", { name: "Cancel: third.txt" }).click();
    await expect(tray(alice)).toHaveCount(0);
    await expect(alice.input()).toBeFocused();
  });

  await test.step("what is pasted or dropped is chosen", async () => {
    const give = (kind: "paste" | "drop") =>
      alice.input().evaluate((input, kind) => {
        const data = new DataTransfer();
        for (const name of ["one.txt", "two.txt"]) data.items.add(new File(["x"], `${kind}-${name}`, { type: "text/plain" }));
        const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }) : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
        input.dispatchEvent(event);
      }, kind);
    await give("paste");
    await give("drop");
    await expect(tray(alice).getByRole("listitem")).toHaveText([/paste-one/, /paste-two/, /drop-one/, /drop-two/]);
  });
}

test("a photo that is sent without a network goes by itself once that is back, the text after it after it; the list tells of it, and who leaves is asked", async ({ alice, bob }) => {
  const { page } = alice;
  alice.watch.allowOutage();
  alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
  await alice.talkTo("carol");
  await alice.say("Hello");
  await alice.talkTo("bob");
  await alice.say("A photo, in a moment");
  await bob.talkTo("alice");
  const row = alice.listed("Bob Baker").locator(".conversation-line");
  const photo = await picture(alice, "evening.png");
  await choose(alice, photo);
  await alice.talkTo("carol");
  await expect(row).toHaveText("Draft: evening.png");
  await alice.talkTo("bob");
  await alice.context.setOffline(true);
  await expect(alice.notice()).toContainText("You are offline.");
  await alice.type("This is from yesterday");
  await expect(tray(alice).getByRole("listitem")).toHaveText([/evening\.png.*Waiting for the connection/s, /This is from yesterday.*Waiting/s]);
  await expect(tray(alice).getByRole("alert")).toHaveCount(0);
  await alice.talkTo("carol");
  await expect(row).toHaveText("Not sent yet: evening.png");

  const asked = page.waitForEvent("dialog");
  await page.evaluate(() => void setTimeout(() => location.reload()));
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss(); // they stay

  await alice.context.setOffline(false);
  await bob.hears("This is from yesterday");
  const all = await bob.page.locator("#chat .chat-msg").evaluateAll((messages) => messages.map((message) => /evening|photo|yesterday/.exec(message.outerHTML.replaceAll(/<!--.*?-->/g, ""))?.[0]));
  expect(all).toEqual(["photo", "evening", "yesterday"]);
  await expect(row).toHaveText("You: This is from yesterday");

  let asks = 0;
  page.on("dialog", (dialog) => {
    asks++;
    return dialog.accept();
  });
  await page.reload();
  await alice.ready();
  expect(asks, "whoever has nothing to send is not asked").toBe(0);
});

test("what is pasted from a table is its text, and what is dropped beside a conversation leaves the site alone", async ({ alice }) => {
  const { page } = alice;
  await alice.talkTo("bob");
  /** Whether it was taken as files, and not left to the browser. */
  const paste = (text: string, html: string) =>
    alice.input().evaluate((input, [text, html]) => {
      const data = new DataTransfer();
      if (text) data.setData("text/plain", text!);
      if (html) data.setData("text/html", html!);
      data.items.add(new File(["x"], "image.png", { type: "image/png" }));
      return !input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }, [text, html]);
  const picture = '<meta charset="utf-8"><img src="https://example.org/kettle.png" alt="Kettle">';
  for (const [what, text, html, isFile] of [
    ["a table", "Loaves\t2\nCakes\t1", "<table><tr><td>Loaves<td>2<tr><td>Cakes<td>1</table>", false],
    ["a text", "Two loaves", "", false],
    ["a picture of a document, with a blank for its text", " \r\n", "<p><img src=x> </p>", true],
    ["a picture of a page", "", picture, true],
    ["a picture, with where it is from", "https://example.org/kettle.png", picture, true],
    ["a file, with its name", "/home/alice/image.png", "", true],
    ["a file", "", "", true],
  ] as const) expect(await paste(text, html), what).toBe(isFile);
  await expect(tray(alice).getByRole("listitem")).toHaveCount(5);

  const drop = (selector: string, kind: "files" | "text") =>
    page.locator(selector).first().evaluate((target, kind) => {
      const data = new DataTransfer();
      if (kind === "files") data.items.add(new File(["x"], "dropped.txt", { type: "text/plain" }));
      else data.setData("text/plain", "x");
      return ["dragover", "drop"].map((name) => !target.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true })));
    }, kind);
  expect(await drop("#conversations", "files")).toEqual([true, true]);
  expect(await drop("#conversations", "text")).toEqual([false, false]);
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto("/settings");
  await alice.ready();
  expect(await drop("main h1", "files")).toEqual([true, true]);
  expect(await drop('main input[type="file"]', "files"), "a field that takes files").toEqual([false, false]);
});

test("pictures fit on a phone and, in the dark, on a wide screen", async ({ visit }, info) => {
  const alice = await visit("alice", { contextOptions: { viewport: screens.phone, reducedMotion: "reduce" } });
  const bob = await visit("bob", { contextOptions: { viewport: screens.wide, reducedMotion: "reduce", colorScheme: "dark" } });
  for (const person of [alice, bob]) await person.signIn();
  const file = await picture(bob, "view.png");
  await bob.talkTo("alice");
  await alice.talkTo("bob");
  await attach(bob, file);
  for (const [person, screen] of [[alice, screens.phone], [bob, screens.wide]] as const) {
    await expectShown(images(person));
    const box = (await images(person).boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(screen.width);
  }
  for (const name of ["two.png", "three.png", "four.png"]) await attach(bob, { ...file, name });
  for (const [person, theme] of [[alice, "light"], [bob, "dark"]] as const) {
    await expectSideBySide(person);
    await person.page.evaluate(comeToRest);
    await person.page.screenshot({ path: info.outputPath(`chat-${theme}.png`) });
    await person.page.getByRole("link", { name: "Picture: three.png" }).click();
    await expect(person.page.getByRole("dialog", { name: "Pictures" })).toContainText("three.png3 of 4");
    await person.page.evaluate(comeToRest);
    expect(await violations(person.page, theme, ".viewer"), theme).toEqual([]);
    await person.page.screenshot({ path: info.outputPath(`viewer-${theme}.png`) });
    await person.page.keyboard.press("Escape");
  }
  await test.step("one by itself has its own shape, with nothing beside it, and is no larger than it is; when it comes, nothing moves", async () => {
    await alice.page.mouse.move(0, 0); // no buttons over them
    let [awaited, come] = [Promise.resolve(), () => {}];
    for (const person of [alice, bob]) await person.context.route(/portrait|panorama|ribbon|sign/, (route) => (route.request().method() === "GET" ? void awaited.then(() => route.continue()) : route.continue()));
    const corners = [[0.25, 0.1], [0.75, 0.1], [0.25, 0.9], [0.75, 0.9]] as [number, number][];
    for (const [name, width, height, shape] of [["portrait", 600, 800, 3 / 4], ["panorama", 3200, 400, 0], ["ribbon", 200, 4000, 0], ["sign", 24, 24, 1]] as const) {
      await bob.say(`Here is the ${name}`); // no row of pictures
      awaited = new Promise((resolve) => (come = resolve));
      await attach(bob, await halves(bob, `${name}.png`, width, height));
      const frames = [alice, bob].map(({ page }) => page.getByRole("link", { name: `Picture: ${name}.png` }));
      const places = () => Promise.all(frames.map(async (frame) => {
        await frame.page().evaluate(comeToRest);
        const { y, height } = (await frame.boundingBox())!;
        return { y, height };
      }));
      for (const frame of frames) await expect(frame).toBeInViewport();
      await expect(bob.page.locator("#chat .chat-msg--read").filter({ has: frames[1]! })).toHaveCount(1); // which stands below it
      const before = await places();
      come();
      for (const frame of frames) await expectShown(frame.locator("img"));
      expect(await places(), name).toEqual(before);
      for (const [i, person] of [alice, bob].entries()) {
        const box = (await frames[i]!.locator("img").boundingBox())!;
        if (shape) expect(box.width / box.height, name).toBeCloseTo(shape, 1);
        if (name === "sign") expect(box.width).toBeLessThan(30);
        else expect(box.height, name).toBe(before[i]!.height);
        expect(await coloursOf(person, `${name}.png`, corners), name).toEqual(["red", "blue", "red", "blue"]);
      }
    }
  });
});

test("lines are as long as the eye can follow, an answer stands apart from the pictures above it, and the time of a deleted message behind that", async ({ visit }) => {
  const alice = await visit("alice", { contextOptions: { viewport: { width: 1920, height: 1080 } } });
  const carol = await visit("carol", { contextOptions: { viewport: screens.phone } });
  for (const person of [alice, carol]) await person.signIn();
  await carol.talkTo("alice");
  await alice.talkTo("carol");
  await alice.page.goto("/chat/with/carol");
  await carol.say("Never mind");
  await alice.hears("Never mind");
  await retract(carol, "Never mind");
  await expect(tombstones(alice)).toHaveText("Carol Costa deleted their message.");
  for (const size of [{ width: 1920, height: 1080 }, screens.phone]) {
    await alice.page.setViewportSize(size);
    const [behind, start, below] = await tombstones(alice).evaluate((sentence) => {
      const [said, time] = [sentence.firstElementChild!, sentence.parentElement!.querySelector(".chat-msg__time")!].map((each) => [...each.getClientRects()]);
      return [time![0]!.left - said!.at(-1)!.right, time![0]!.left - said![0]!.left, time![0]!.bottom - said!.at(-1)!.bottom];
    });
    if (below! < 10) expect(Math.abs(behind! - 6), "px from the sentence to the time").toBeLessThan(6);
    else expect(start, "where there is no room behind it, it begins the next line").toBe(0);
    if (size.width > 1000) expect(below).toBeLessThan(10);
  }

  await alice.page.setViewportSize({ width: 1920, height: 1080 });
  await alice.say("Shall we? ".repeat(50).trim());
  const rem = await alice.page.evaluate(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
  expect((await alice.message("Shall we").boundingBox())!.width).toBeLessThanOrEqual(46 * rem);
  await alice.input().fill(`\`\`\`\n${"code ".repeat(200)}\n\`\`\``);
  await alice.input().press("Enter");
  const code = alice.page.locator("#chat .chat-msg code.block");
  await expect(code).toBeVisible();
  expect((await code.boundingBox())!.width, "code is as wide as there is room").toBeGreaterThan(60 * rem);

  const file = await picture(carol, "one.png");
  for (const name of ["one.png", "two.png"]) await attach(carol, { ...file, name });
  await expect(carol.page.locator("#chat .pictures converse-chat-message")).toHaveCount(2);
  await reply(carol, "Shall we", "An answer below");
  await alice.hears("An answer below");
  for (const person of [alice, carol]) {
    await expectShown(images(person).last());
    await person.page.evaluate(comeToRest);
    const above = (await images(person).last().boundingBox())!;
    const answer = (await bubble(person, "An answer below").locator(".chat-msg__reply-context").boundingBox())!;
    expect(answer.y - above.y - above.height).toBeGreaterThan(10);
  }
});

/** A picture whose one half is red, and the other blue. */
async function halves(person: Person, name: string, width: number, height: number): Promise<File> {
  const base64 = await person.page.evaluate(([width, height]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const paint = canvas.getContext("2d")!;
    for (const [i, colour] of ["#f00", "#00f"].entries()) {
      paint.fillStyle = colour;
      paint.fillRect((i * width!) / 2, 0, width! / 2, height!);
    }
    return canvas.toDataURL("image/png").split(",")[1]!;
  }, [width, height]);
  return { name, mimeType: "image/png", buffer: Buffer.from(base64, "base64") };
}

/** A photo that takes some hundred kilobytes. */
async function grain(person: Person, name: string, width: number, height: number): Promise<File> {
  const base64 = await person.page.evaluate(([width, height]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const paint = canvas.getContext("2d")!;
    const pixels = paint.createImageData(width!, height!);
    for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : Math.random() * 256;
    paint.putImageData(pixels, 0, 0);
    return canvas.toDataURL("image/jpeg", 0.3).split(",")[1]!;
  }, [width, height]);
  return { name, mimeType: "image/jpeg", buffer: Buffer.from(base64, "base64") };
}

/** What is seen of a picture of halves, at parts of its width and height. */
async function coloursOf(person: Person, name: string, places: [number, number][]): Promise<string[]> {
  const shown = person.page.getByRole("link", { name: `Picture: ${name}` }).locator("img");
  return person.page.evaluate(async ([base64, places]) => {
    const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
    const seen = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const paint = new OffscreenCanvas(seen.width, seen.height).getContext("2d")!;
    paint.drawImage(seen, 0, 0);
    return places.map(([x, y]) => {
      const [red, , blue] = paint.getImageData(Math.round(x * seen.width), Math.round(y * seen.height), 1, 1).data;
      if (Math.abs(red! - blue!) < 128) return "neither";
      return red! > blue! ? "red" : "blue";
    });
  }, [(await shown.screenshot()).toString("base64"), places] as const);
}

/** Four pictures, each with what can be done with it. */
async function expectSideBySide(person: Person): Promise<void> {
  const row = person.page.locator("#chat .pictures");
  await expect(row.locator("converse-chat-message")).toHaveCount(4);
  await expectShown(images(person).last());
  await expect(async () => { // one is looked at after the other, and what is above may still find its place
    const [first, second] = await Promise.all([0, 1].map(async (i) => (await images(person).nth(i).boundingBox())!));
    expect(second!.y).toBe(first!.y);
    expect(second!.x).toBeGreaterThan(first!.x + first!.width - 1);
  }).toPass({ timeout: 30_000 });
  for (const picture of await row.locator("converse-chat-message").all()) {
    await picture.hover();
    await expect(picture.locator(".message-bar")).toBeVisible();
  }
}
