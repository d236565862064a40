// The site as an app of the system: what browsers ask of it before they install it, the
// page for while it cannot be reached, and what other apps share with it.

import { expect, names, password, type Person, test } from "./support/test.ts";

test.use({ serviceWorkers: "allow" });

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

test("it can be installed, only pages ask its service worker, and while it cannot be reached a page says so", async ({ alice, site }) => {
  const { page, context } = alice;
  await withWorker(alice);
  await test.step("browsers find nothing that stands against installing it", async () => {
    const cdp = await context.newCDPSession(page);
    const { errors, data } = await cdp.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    expect(JSON.parse(data!)).toMatchObject({ start_url: "/chat", scope: "/", display: "standalone" });
    const { installabilityErrors } = await cdp.send("Page.getInstallabilityErrors");
    expect(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
  });
  await test.step("what is no page does not ask the service worker", async () => {
    await page.reload();
    await alice.ready();
    const sources = await page.evaluate(() => {
      const source = (entry: PerformanceEntry) => (entry as PerformanceEntry & { workerMatchedSourceType?: string }).workerMatchedSourceType;
      const all = (type: string) => [...new Set(performance.getEntriesByType(type).map(source))];
      return { page: all("navigation"), rest: all("resource") };
    });
    expect(sources).toEqual({ page: ["fetch-event"], rest: ["network"] });
  });
  await test.step("while the site cannot be reached a page says so, and goes on by itself", async () => {
    alice.watch.allowOutage();
    await site.stop();
    await page.goto("/people");
    await expect(page.getByRole("heading", { level: 1 })).toContainText("cannot be reached");
    await expect(page.locator("body")).not.toContainText(names.alice);
    await site.start();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("People");
    await expect(page).toHaveURL(/\/people$/);
    const kept = await page.evaluate(async () => {
      const caches_ = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
      return caches_.flat().map(({ url }) => new URL(url).pathname.replace(/\/static\/\w+/, "/static"));
    });
    expect(kept.sort()).toEqual(["/offline", "/static/js/offline.js"]);
  });
});

test("what is shared goes to whom one chooses, files by Send, and nothing is lost by a sign-in before", async ({ alice, database }) => {
  const { page } = alice;
  await withWorker(alice);
  await test.step("text goes into the composer, and is not sent by itself", async () => {
    await share(alice, "Look at these");
    await expect(bar(alice)).toContainText("Choose whom to share “Look at these” with.");
    await alice.listed(names.bob).click();
    await expect(alice.input()).toHaveValue("Look at these\nhttps://example.org/roses");
    await expect(bar(alice)).toHaveCount(0);
    await page.goto("/chat");
    await alice.ready();
    await expect(bar(alice)).toHaveCount(0); // once
    await expect.poll(() => page.evaluate(() => caches.has("foyer-shared"))).toBe(false);
    expect(await database.archived("alice")).toEqual([]);
  });
  await test.step("files are shown, and sent by Send", async () => {
    await share(alice, "", ["roses.txt", "tulips.txt"]);
    await expect(bar(alice)).toContainText("2 files");
    await alice.listed(names.carol).click();
    await expect(page.getByRole("list", { name: "To be sent" }).getByRole("listitem")).toHaveText([/roses.txt/, /tulips.txt/]);
    await page.getByTitle("Send the message").click();
    const got = () => database.archived("carol").then((texts) => texts.join("\n"));
    for (const name of ["roses.txt", "tulips.txt"]) await expect.poll(got).toContain(name);
  });
  await test.step("somebody who has to sign in first loses nothing", async () => {
    await page.goto("/");
    await alice.signOut();
    await share(alice, "Look at those");
    await expect(page).toHaveURL(/\/signin/);
    await page.getByLabel("User name").fill("alice");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(bar(alice)).toContainText("“Look at those”");
    await bar(alice).getByRole("button", { name: "Cancel" }).click();
    await expect(bar(alice)).toHaveCount(0);
  });
});
