import { readFileSync } from "node:fs";
import type { Place, SetUp } from "./setUp.ts";

// What Debian's Apache has on by default, as far as it touches a request.
const modules = "mpm_event authz_core authz_host alias deflate dir env filter mime negotiation reqtimeout setenvif status".split(" ");

const defaults = `
  TypesConfig /dev/null
  StartServers 2
  MinSpareThreads 25
  MaxSpareThreads 75
  ThreadLimit 64
  ThreadsPerChild 25
  MaxRequestWorkers 150
  AddOutputFilterByType DEFLATE text/html text/plain text/xml text/css text/javascript application/javascript application/xml application/wasm
  RequestReadTimeout header=20-40,minrate=500
  RequestReadTimeout body=10,minrate=500
  LogFormat "%h %l %u %t \\"%r\\" %>s %O" combined
`;

/** The modules that the shipped file tells to enable, in a comment. */
function enabled(shipped: string): string[] {
  const [, names] = readFileSync(shipped, "utf8").match(/^#\s+a2enmod (.*)$/m)!;
  return names!.split(" ");
}

function main({ dir, http, https }: Place, shipped: string): string {
  const load = (name: string) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`;
  return [
    `ServerRoot ${dir}`,
    `DefaultRuntimeDir ${dir}`,
    `PidFile ${dir}/apache.pid`,
    `Mutex file:${dir} default`,
    ...(process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : []),
    "ServerName localhost",
    "ErrorLog \"|/bin/cat\"",
    `Listen 127.0.0.1:${http}`,
    `Listen 127.0.0.1:${https}`,
    ...[...modules, ...enabled(shipped)].map(load),
    defaults,
    `Include ${shipped}`,
  ].join("\n");
}

export const apache: SetUp = {
  program: "apache2",
  shipped: "apache/foyer.conf",
  names: ({ http, https, site, certificate }) => [
    ["http://127.0.0.1:3000/", `http://127.0.0.1:${site}/`],
    ["/etc/letsencrypt/live/chat.example.org/fullchain.pem", certificate.cert],
    ["/etc/letsencrypt/live/chat.example.org/privkey.pem", certificate.key],
    ["chat.example.org", "localhost"],
    ["<VirtualHost *:80>", `<VirtualHost *:${http}>`],
    ["<VirtualHost *:443>", `<VirtualHost *:${https}>`],
  ],
  timeout: (seconds) => [" timeout=75 ", ` timeout=${seconds} `],
  main,
  args: (main) => ["-f", main, "-DFOREGROUND", "-e", "info"],
  ready: /resuming normal operations/,
};
