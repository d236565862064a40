import type { Person } from "./person.ts";

/** Empties what the browser keeps for the site, cookies apart; a new tab is open then. */
export async function clearStorage(person: Person): Promise<void> {
  const session = await person.context.newCDPSession(person.page);
  const { origin } = new URL(person.page.url());
  await person.page.goto("about:blank");
  await session.send("Storage.clearDataForOrigin", {
    origin,
    storageTypes: "indexeddb,local_storage,cache_storage,service_workers",
  });
  const page = await person.context.newPage(); // a tab's sessionStorage ends with the tab
  await person.page.close();
  person.page = page;
}
