import type { Page } from "@playwright/test";
import { expect, type Person, test } from "./support/test.ts";

/** What somebody types or chooses. */
const TYPED = "input:not([type=hidden], [type=checkbox], [type=radio]), textarea";

/** Where the forms are into which something is typed: the page of each, by its address. Links lead to the pages, from some that are known. */
async function forms(person: Person, ...from: string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const pages = new Set(from);
  for (const path of pages) {
    const response = await person.context.request.get(path);
    if (!response.headers()["content-type"]?.includes("text/html")) continue;
    const { actions, links } = await person.page.evaluate(
      ([html, typed]) => {
        const page = new DOMParser().parseFromString(html, "text/html");
        const posts = [...page.querySelectorAll("#main form[method=post]")].filter((form) => form.querySelector(typed));
        const links = [...page.querySelectorAll('a[href^="/"]')].map((link) => link.getAttribute("href")!.split(/[?#]/)[0]!);
        return { actions: posts.map((form) => form.getAttribute("action")!), links };
      },
      [await response.text(), TYPED] as const,
    );
    for (const action of actions) if (!found.has(action)) found.set(action, path);
    for (const link of links) pages.add(link);
  }
  return found;
}

/** Ways to fill in a form that are wrong for some. */
const MISTAKES = ["nothing", "too much", "a part"] as const;

/** Fills in a form so, and sends it: how the site answers. */
async function mistake(page: Page, action: string, what: (typeof MISTAKES)[number]): Promise<number> {
  await page.locator("#main").evaluate((main) => (main.dataset.left = ""));
  const form = page.locator(`#main form[action="${action}"]`).first();
  await form.evaluate(
    (form: HTMLFormElement, [typed, what]) => {
      form.noValidate = true;
      for (let at: Element | null = form; at; at = at.parentElement) if (at instanceof HTMLDetailsElement) at.open = true;
      form.querySelectorAll<HTMLInputElement>(typed).forEach((field, i) => {
        field.removeAttribute("maxlength");
        const part = field.type === "time" ? "08:00" : "a";
        field.value = what === "nothing" || field.type === "file" ? "" : what === "a part" ? (i === 0 ? part : "") : "x".repeat(5000);
      });
    },
    [TYPED, what] as const,
  );
  const answer = page.waitForResponse((response) => response.request().method() === "POST" && new URL(response.url()).pathname === action);
  await form.locator("button:not([type=button])").first().click();
  const status = (await answer).status();
  await expect(page.locator("#main:not([data-left])")).toBeAttached();
  return status;
}

/** the error is in view, focused, and announced. */
async function expectShown(page: Page, where: string): Promise<void> {
  const wrong = page.locator("#main [role=alert]").filter({ hasText: /\w/ }).first();
  await expect(wrong, where).toBeInViewport();
  const focused = page.locator("#main :focus");
  await expect(focused, where).toBeInViewport();
  expect(await focused.evaluate((element) => element.matches("[aria-invalid=true], [role=alert]")), where).toBe(true);
}

// a mistake in a form is in view, and has the focus: in every form that pages have.
for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "by the page" : "without a script", () => {
    test.use({ contextOptions: { javaScriptEnabled, viewport: { width: 390, height: 844 } } });

    test("what is wrong in a form is shown", async ({ visit }) => {
      test.setTimeout(600_000);
      const alice = await visit("alice");
      const nobody = await visit("bob");
      for (const { watch, context } of [alice, nobody]) {
        watch.allow(/ 4\d\d |status of 4\d\d/, /converse/); // the forms come back so; and the chat is not needed
        await context.route(/\/converse\//, (route) => route.abort());
      }
      await alice.openSite();
      // The error of a long page is far below its top. First of all: soon there were too many attempts.
      await test.step("a wrong current password is shown where it was typed", async () => {
        const { page } = alice;
        await page.goto("/settings");
        await page.getByLabel("Current password").fill("not this one");
        await page.getByLabel("New password").fill("a few good words in a row");
        await page.getByRole("button", { name: "Change password" }).click();
        await expect(page.getByText("That is not your password.")).toBeInViewport();
        await expect(page.getByLabel("Current password")).toBeFocused();
      });
      await nobody.page.goto("/");
      for (const [person, least, ...from] of [[alice, 6, "/", "/settings", "/rooms"], [nobody, 2, "/", "/signin", "/signup"]] as const) {
        const found = await forms(person, ...from);
        expect(found.size, [...found.keys()].join(" ")).toBeGreaterThanOrEqual(least);
        for (const [action, path] of found) {
          let refused = 0;
          const form = person.page.locator(`#main form[action="${action}"]`);
          for (const what of MISTAKES) {
            if ((await form.count()) === 0) await person.page.goto(path);
            if ((await mistake(person.page, action, what)) < 400) continue;
            refused++;
            await expectShown(person.page, `${action}, ${what}`);
            if (javaScriptEnabled) break; // of what is wrong with its fields the server tells in one way
          }
          expect(refused, `mistakes in ${action}`).toBeGreaterThan(0);
        }
      }
    });
  });
}

// What a form of the settings did is said where it was, which is in view and has the focus; the next key leads to that section's first field.
for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "saved by the page" : "saved without a script", () => {
    test.use({ contextOptions: { javaScriptEnabled, viewport: { width: 390, height: 844 } } });

    test("what was done is said in its section", async ({ visit }) => {
      const alice = await visit("alice");
      const { page, watch, context } = alice;
      watch.allow(/converse/);
      await context.route(/\/converse\//, (route) => route.abort());
      await alice.openSite();
      for (const [section, button, said] of [
        ["profile", "Save profile", "Your profile has been saved."],
        ["notifications", "Save notifications", "Your notification settings have been saved."],
        ["picture", "Remove picture", "Your picture has been removed."],
      ] as const) {
        await page.goto("/settings");
        await page.getByRole("button", { name: button }).click();
        const place = page.locator(`section#${section}`);
        await expect(place.getByRole("status").filter({ hasText: said })).toBeInViewport({ ratio: 1 });
        await expect(place.getByRole("heading", { level: 2 })).toBeInViewport({ ratio: 1 });
        await expect(page.locator(`section#${section}:focus`)).toHaveAccessibleDescription(said);
        await page.keyboard.press("Tab");
        await expect(place.locator(":focus")).toHaveCount(1);
      }
    });
  });
}

// somebody who is signed in is not shown as a visitor while nobody can tell.
test("a member's page while the database is away", async ({ alice, cluster }) => {
  await alice.ready();
  alice.watch.allow(/503|Failed to load resource|Could not fetch bookmarks/); // what the chat asks for just then
  await cluster.stop();
  await alice.page.getByRole("link", { name: "Rooms", exact: true }).click();
  await expect(alice.page.getByText("The site is not responding.")).toBeVisible();
  await expect(alice.menu()).toHaveAccessibleName(/Alice Adler/);
  await alice.page.reload();
  await expect(alice.page.getByText("The site is not responding.")).toBeVisible();
  await expect(alice.page.getByText("database")).toHaveCount(0); // a word of those who run the site
  await expect(alice.page.getByRole("link", { name: "Sign in" })).toHaveCount(0);
  await cluster.resume();
});
