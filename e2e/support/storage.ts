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

/** Nothing of a person is left in the browser but what a fresh visit makes. */
export async function leftovers(person: Person): Promise<string[]> {
  return person.page.evaluate(async (user) => {
    const found: string[] = [];
    const mine = (value: unknown) => JSON.stringify(value ?? "").includes(`${user}@`);
    for (const storage of [localStorage, sessionStorage]) {
      for (const [key, value] of Object.entries(storage)) if (value === user || mine([key, value])) found.push(key);
    }
    if (await caches.has("foyer-shared")) found.push("what was shared");
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const open = indexedDB.open(name!);
        open.onsuccess = () => resolve(open.result);
        open.onerror = () => reject(open.error);
      });
      for (const store of db.objectStoreNames) {
        const read = db.transaction(store).objectStore(store).getAll();
        const rows = await new Promise<unknown[]>((resolve) => (read.onsuccess = () => resolve(read.result)));
        for (const row of rows) if (mine(row)) found.push(`${name}/${store}: ${JSON.stringify(row).slice(0, 200)}`);
      }
      db.close();
    }
    return found;
  }, person.user).catch(() => ["between two pages"]);
}
