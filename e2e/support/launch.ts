/** How a Chromium is started; without a path, the one that Playwright brings. */
export const launchOptions = (path?: string, ...more: string[]) => ({
  executablePath: path || undefined,
  args: [
    // Root has no sandbox; nothing but this machine is asked for anything.
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP upload.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    ...more,
  ],
});
