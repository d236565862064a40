import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Files in PEM. */
export type Certificate = { cert: string; key: string };

/** Makes a certificate for localhost and upload.localhost that nobody has signed, in a directory. */
export function makeCertificate(directory: string): Certificate {
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  execFileSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:upload.localhost", "-keyout", key, "-out", cert],
  ], { stdio: "pipe" });
  return { cert, key };
}
