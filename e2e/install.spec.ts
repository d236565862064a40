// The site as an app of the system: what browsers ask of it before they install it, the
// page for while it cannot be reached, and what other apps share with it.

import { expect, names, type Person, test } from "./support/test.ts";

/** Waits until the service worker answers for the page. */
async function withWorker(person: Person): Promise<void> {
  await person.page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
  });
}

/** Shares with the site as a system does: by a form that no page of the site has. */
function share(person: Person, text: string, files: string[] = []): Promise<void> {
  return person.page.evaluate(([text, files]) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action: "/share", enctype: "multipart/form-data" });
    const field = (name: string, value: string) => form.append(Object.assign(document.createElement("input"), { name, value }));
    field("title", "");
    field("text", text);
    field("url", "https://example.org/roses");
    const chosen = new DataTransfer();
    for (const name of files) chosen.items.add(new File(["what is in it"], name, { type: "text/plain" }));
    form.append(Object.assign(document.createElement("input"), { type: "file", name: "files", multiple: true, files: chosen.files }));
    document.body.append(form);
    form.submit();
  }, [text, files] as const);
}

const bar = (person: Person) => person.page.locator(".share-bar");

test("browsers find nothing that stands against installing it", async ({ alice }) => {
  await withWorker(alice);
  const cdp = await alice.context.newCDPSession(alice.page);
  const { errors, data } = await cdp.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  expect(JSON.parse(data!)).toMatchObject({ start_url: "/chat", scope: "/", display: "standalone" });
  const { installabilityErrors } = await cdp.send("Page.getInstallabilityErrors");
  expect(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
});

test("what is no page does not ask the service worker", async ({ alice }) => {
  await withWorker(alice);
  await alice.page.reload();
  await alice.ready();
  const sources = await alice.page.evaluate(() => {
    const source = (entry: PerformanceEntry) => (entry as PerformanceEntry & { workerMatchedSourceType?: string }).workerMatchedSourceType;
    const all = (type: string) => [...new Set(performance.getEntriesByType(type).map(source))];
    return { page: all("navigation"), rest: all("resource") };
  });
  expect(sources).toEqual({ page: ["fetch-event"], rest: ["network"] });
});

test("while the site cannot be reached a page says so, and goes on by itself", async ({ alice, site }) => {
  await withWorker(alice);
  alice.watch.allowOutage();
  await site.stop();
  await alice.page.goto("/people");
  await expect(alice.page.getByRole("heading", { level: 1 })).toContainText("cannot be reached");
  await expect(alice.page.locator("body")).not.toContainText(names.alice);
  await site.start();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("People");
  await expect(alice.page).toHaveURL(/\/people$/);
  const kept = await alice.page.evaluate(async () => {
    const caches_ = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
    return caches_.flat().map(({ url }) => new URL(url).pathname.replace(/\/static\/\w+/, "/static"));
  });
  expect(kept.sort()).toEqual(["/offline", "/static/js/offline.js"]);
});

test("what is shared goes into the composer of whom one chooses, and is not sent by itself", async ({ alice, database }) => {
  await withWorker(alice);
  await share(alice, "Look at these");
  await expect(bar(alice)).toContainText("Choose whom to share “Look at these” with.");
  await alice.listed(names.bob).click();
  await expect(alice.input()).toHaveValue("Look at these\nhttps://example.org/roses");
  await expect(bar(alice)).toHaveCount(0);
  await alice.page.goto("/chat");
  await alice.ready();
  await expect(bar(alice)).toHaveCount(0); // once
  await expect.poll(() => alice.page.evaluate(() => caches.has("foyer-shared"))).toBe(false);
  expect(await database.archived("alice")).toEqual([]);
});

test("files that are shared are shown, and sent by Send", async ({ alice, bob }) => {
  await bob.talkTo("alice");
  await withWorker(alice);
  await share(alice, "", ["roses.txt", "tulips.txt"]);
  await expect(bar(alice)).toContainText("2 files");
  await alice.listed(names.bob).click();
  await expect(alice.page.getByRole("list", { name: "To be sent" }).getByRole("listitem")).toHaveText([/roses.txt/, /tulips.txt/]);
  await alice.page.getByTitle("Send the message").click();
  for (const name of ["roses.txt", "tulips.txt"]) await expect(bob.page.locator("#chat converse-chat").getByText(name).first()).toBeVisible();
});

test("somebody who has to sign in first loses nothing of what they share", async ({ alice }) => {
  await withWorker(alice);
  await alice.signOut();
  await share(alice, "Look at these");
  await expect(alice.page).toHaveURL(/\/signin/);
  await alice.page.getByLabel("User name").fill("alice");
  await alice.page.getByLabel("Password").fill("foyer-demo");
  await alice.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(bar(alice)).toContainText("“Look at these”");
  await bar(alice).getByRole("button", { name: "Cancel" }).click();
  await expect(bar(alice)).toHaveCount(0);
});
