import { networkInterfaces } from "node:os";
import type { SetUp } from "./setUp.ts";

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

/** A listen directive for both ports of a test, on loopback. */
const listenIPv6 = (port: number, rest: string) => (hasIPv6 ? `listen [::1]:${port}${rest};` : "");

export const nginx: SetUp = {
  program: "nginx",
  shipped: "nginx/foyer.conf",
  names: ({ http, https, site, certificate }) => [
    ["127.0.0.1:3000", `127.0.0.1:${site}`],
    ["/etc/letsencrypt/live/chat.example.org/fullchain.pem", certificate.cert],
    ["/etc/letsencrypt/live/chat.example.org/privkey.pem", certificate.key],
    ["chat.example.org", "localhost"],
    ["listen 80;", `listen 127.0.0.1:${http};`],
    ["listen [::]:80;", listenIPv6(http, "")],
    ["listen 443 ssl http2;", `listen 127.0.0.1:${https} ssl http2;`],
    ["listen [::]:443 ssl http2;", listenIPv6(https, " ssl http2")],
  ],
  timeout: (seconds) => ["proxy_read_timeout 75s;", `proxy_read_timeout ${seconds}s;`],
  main: ({ dir }, shipped) => `
    daemon off;
    ${process.getuid?.() === 0 ? "user root;" : ""}
    worker_processes 1;
    pid ${dir}/nginx.pid;
    error_log stderr notice;
    events { worker_connections 4096; }
    http {
      access_log ${dir}/access.log;
      ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${dir}/${name};`).join(" ")}
      ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
      gzip on;
      include ${shipped};
    }
  `,
  args: (main, { dir }) => ["-p", dir, "-e", "stderr", "-c", main],
  ready: /start worker processes/,
};
