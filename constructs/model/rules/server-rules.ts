import { addressesIn, isPublic } from "../address";
import { type Violation, violation } from "../errors";
import { checkItems } from "../rule";
import { created, type InstanceRule } from "../target";
import { minutesOf } from "../windows";

const READ = "2026-11-30";
const BEST_PRACTICES = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_BestPractices.Security.html";

/** Addresses of the widest network with one owner: a /8. */
const WIDEST = 2 ** 24;
const DAY = 24 * 60;
/** PgBouncer's default port. */
const POOLER = 6432;

/** Wider than any private network: RFC 1918 ends at /8, unique local IPv6 addresses begin at /7. */
const widest = (source: string): number => (source.includes(":") ? 7 : 8);
const isHuge = (source: string): boolean => Number(source.split("/")[1]) < widest(source);

const isWorld = (source: string): boolean => source.endsWith("/0");
const WAY_IN =
  "a database gets no public address: name the cluster's network here; people connect through a VPN or a tunnel (--via localhost:5433)";

/** A variable of a shell, of Kubernetes, or of a template. */
const VARIABLE = /^\$|\$[{(]|\{\{/;
const UNEXPANDED = "contains a variable, which nothing expands";

/** Default ports of servers, which people do not intentionally use for other programs. */
const PORTS: ReadonlyMap<number, string> = new Map([
  [1433, "SQL Server"],
  [1521, "Oracle"],
  [3306, "MySQL"],
  [5432, "PostgreSQL"],
  [5439, "Redshift"],
  [6379, "Redis"],
  [26379, "Redis Sentinel"],
  [27017, "MongoDB"],
]);

/** Reports a port that is another program's default. @param usual the port to write, in words. */
export function refusePort(path: string, port: number, server: string, usual: string): readonly Violation[] {
  const other = PORTS.get(port);
  return other === undefined || other === server
    ? []
    : [violation(path, `is the port of ${other}`, port, `write the port that ${server} listens on, ${usual}`)];
}

/** Returns, in words, why PEM text cannot serve as certificate authorities for pods; null if it can, or if it is the path of a file. */
export function refuseAuthorities(text: string): string | null {
  if (VARIABLE.test(text)) return UNEXPANDED;
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label = ""]) => label);
  if (labels.some((label) => label.endsWith("PRIVATE KEY"))) return "must not contain a private key, because every pod gets this file";
  const other = labels.find((label) => !label.endsWith("CERTIFICATE"));
  return other === undefined ? null : `must contain only certificates, but contains a ${other}`;
}

/** Rules about an instance's clients, maintenance and certificate authority that apply on every target. */
export const serverRules: readonly InstanceRule[] = [
  {
    id: "never-the-whole-world",
    why: "Anyone who scans the internet can try passwords on the database.",
    source: BEST_PRACTICES,
    date: "2026-11-21",
    severity: "error",
    check: ({ allowedSources }, path) =>
      checkItems(allowedSources, (source, index) =>
        isHuge(source)
          ? [
              violation(
                `${path}.allowedSources[${index}]`,
                isWorld(source) ? "is the whole internet" : `is wider than any private network (/${widest(source)})`,
                source,
                isWorld(source) ? WAY_IN : "name the cluster's network",
              ),
            ]
          : [],
      ),
    passing: { allowedSources: ["10.0.0.0/8"] },
    failing: { allowedSources: ["128.0.0.0/1"] },
  },
  {
    id: "sources-are-not-the-world-in-parts",
    source: BEST_PRACTICES,
    why: "Networks that together cover the internet admit the same strangers as 0.0.0.0/0.",
    date: READ,
    severity: "error",
    check: ({ allowedSources }, path) => {
      // A wider one alone has its own rule.
      const found = allowedSources.filter((source) => isPublic(source) && !isHuge(source));
      return addressesIn(found) <= WIDEST
        ? []
        : [
            violation(
              `${path}.allowedSources`,
              "contains public networks that together are wider than a /8",
              `${found.length} networks`,
              "name the clients' networks",
            ),
          ];
    },
    passing: { allowedSources: ["10.0.0.0/8", "172.16.0.0/12", "19.0.0.0/8"] },
    failing: { allowedSources: ["8.0.0.0/8", "9.0.0.0/8"] },
  },
  created({
    id: "sources-are-named-once",
    source: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html",
    why: "The duplicate has no effect; often another network was meant, and its clients time out.",
    date: READ,
    severity: "warning",
    check: ({ allowedSources }, path) =>
      checkItems(allowedSources, (source, index) =>
        allowedSources.indexOf(source) < index
          ? [violation(`${path}.allowedSources[${index}]`, "appears twice", source, "remove it, or name the network that you meant")]
          : [],
      ),
    passing: { allowedSources: ["10.1.0.0/16", "10.2.0.0/16"] },
    failing: { allowedSources: ["10.1.0.0/16", "10.1.0.0/16"] },
  }),
  created({
    id: "maintenance-ends-within-a-day",
    source: "https://github.com/getmoto/moto/pull/5839",
    why: "RDS rejects a longer window when it creates the instance; Cloud SQL uses its first hour, which is rarely the intended one.",
    date: READ,
    severity: "error",
    check: ({ maintenanceWindow }, path) =>
      minutesOf(maintenanceWindow) <= DAY
        ? []
        : [
            violation(
              `${path}.maintenanceWindow`,
              "must not be longer than 24 hours",
              maintenanceWindow,
              "write the earlier time first, such as sun:04:00-sun:05:00",
            ),
          ],
    passing: { maintenanceWindow: "sat:23:00-sun:23:00" },
    failing: { maintenanceWindow: "sun:05:00-sun:04:00" },
  }),
  {
    id: "existing-secret-is-written-out",
    source: "https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Template_literals",
    why: "Nothing expands the variable, so the deployment looks up a file or secret with that literal name, after it has begun.",
    date: READ,
    severity: "error",
    check: ({ existing }, path) =>
      existing !== null && VARIABLE.test(existing.masterSecret)
        ? [violation(`${path}.existing.masterSecret`, UNEXPANDED, existing.masterSecret, "write it out, or read process.env in the file")]
        : [],
    passing: { existing: { host: "db.example", masterSecret: "master", ca: "ca.pem" } },
    failing: { existing: { host: "db.example", masterSecret: `$\{MASTER}`, ca: "ca.pem" } },
  },
  {
    id: "existing-is-not-a-pooler",
    source: "https://www.pgbouncer.org/features.html",
    why: "Provisioning and migrations use session locks and settings, which a pooler loses between transactions or rejects.",
    date: READ,
    severity: "warning",
    check: ({ existing }, path) =>
      existing?.port === POOLER
        ? [
            violation(
              `${path}.existing.port`,
              "is PgBouncer's port, but provisioning and migrations need whole sessions",
              POOLER,
              "name the server",
            ),
          ]
        : [],
    passing: { existing: { host: "db.example", masterSecret: "master", ca: "ca.pem", port: 5433 } },
    failing: { existing: { host: "db.example", masterSecret: "master", ca: "ca.pem", port: 6432 } },
  },
  {
    id: "existing-ca-has-certificates-only",
    source: "https://www.postgresql.org/docs/17/libpq-ssl.html",
    why: "Anyone who can read a platform's ConfigMap can read the key, and a client that finds no certificate cannot connect.",
    date: READ,
    severity: "error",
    check: ({ existing }, path) => {
      const rule = refuseAuthorities(existing?.ca ?? "");
      return rule === null ? [] : [violation(`${path}.existing.ca`, rule, existing?.ca, "write the CA certificate")];
    },
    passing: { existing: { host: "db.example", masterSecret: "master", ca: "ca.pem" } },
    failing: { existing: { host: "db.example", masterSecret: "master", ca: "-----BEGIN PRIVATE KEY-----" } },
  },
  {
    id: "existing-port-is-of-postgres",
    source: "https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xhtml",
    why: "Provisioning and every platform would wait for a server that does not speak PostgreSQL's protocol.",
    date: READ,
    severity: "warning",
    check: ({ existing }, path) =>
      existing === null ? [] : refusePort(`${path}.existing.port`, existing.port, "PostgreSQL", "usually 5432"),
    passing: { existing: { host: "db.example", masterSecret: "master", port: 6432 } },
    failing: { existing: { host: "db.example", masterSecret: "master", port: 3306 } },
  },
];
