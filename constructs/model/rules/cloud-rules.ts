import { isPublic, isThisMachine, nobodysNetwork } from "../address";
import { violation } from "../errors";
import { checkItems } from "../rule";
import { created, type InstanceRule } from "../target";

const ADDRESSES = "https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml";

/** Pages of a cloud. */
interface Pages {
  readonly backups: `https://${string}`;
  readonly connecting: `https://${string}`;
  /** About disks that grow. */
  readonly storage: `https://${string}`;
}

/** GiB. */
const SMALL_DISK = 50;

/** Rules about one instance that apply in every cloud, but not on one machine. @param cloud prefix of their IDs. */
export const cloudRules = (cloud: string, pages: Pages): readonly InstanceRule[] => [
  created({
    id: `${cloud}-backups-are-kept`,
    source: pages.backups,
    why: "Without a backup, data that a person, a migration or a program deletes is lost; a standby repeats the deletion in the same second.",
    date: "2026-11-30",
    severity: "warning",
    check: ({ backupRetentionDays, highAvailability }, path) =>
      backupRetentionDays > 0
        ? []
        : [
            violation(
              `${path}.backupRetentionDays`,
              highAvailability
                ? "keeps no backups, and the standby of highAvailability repeats each deletion"
                : "keeps no backups, so deleted data is lost",
              0,
              "keep them for at least 1 day, unless the data can be recreated",
            ),
          ],
    passing: { backupRetentionDays: 1 },
    failing: { backupRetentionDays: 0, pointInTimeRecovery: false },
  }),
  created({
    id: `${cloud}-small-disks-may-grow`,
    source: pages.storage,
    why: "A full disk stops the server, and the WAL of one busy hour can exceed such a disk.",
    date: "2026-11-30",
    severity: "warning",
    check: ({ storageGib, maxStorageGib }, path) =>
      storageGib < SMALL_DISK && (maxStorageGib === null || maxStorageGib === storageGib)
        ? [
            violation(
              `${path}.maxStorageGib`,
              `prevents a disk of ${storageGib} GiB from growing, and the server stops when the disk is full`,
              maxStorageGib,
              "leave it out, or set a ceiling above storageGib",
            ),
          ]
        : [],
    passing: { storageGib: 20 },
    failing: { storageGib: 20, maxStorageGib: null },
  }),
  created({
    id: `${cloud}-sources-have-clients`,
    source: ADDRESSES,
    why: "A rule for such a network admits no client, so the intended clients time out.",
    date: "2026-11-30",
    severity: "warning",
    check: ({ allowedSources }, path) =>
      checkItems(allowedSources, (source, index) => {
        const rule = nobodysNetwork(source);
        return rule === null
          ? []
          : [
              violation(
                `${path}.allowedSources[${index}]`,
                `${rule}, so no client connects from there`,
                source,
                "name the clients' network",
              ),
            ];
      }),
    passing: { allowedSources: ["10.0.0.0/8", "fd00::/8"] },
    failing: { allowedSources: ["127.0.0.1/32"] },
  }),
  created({
    id: `${cloud}-sources-are-private`,
    source: ADDRESSES,
    why: "A database has only a private address, so a public network such as an office network cannot reach it, whatever the rules allow.",
    date: "2026-11-30",
    severity: "warning",
    check: ({ allowedSources }, path) => {
      const found = allowedSources.filter((source) => isPublic(source) && nobodysNetwork(source) === null);
      const rule = "contains public networks, but a database has only a private address";
      const remedy = "name the clients' private network, unless your network uses these addresses internally";
      return found.length === 0 ? [] : [violation(`${path}.allowedSources`, rule, found.join(", "), remedy)];
    },
    passing: { allowedSources: ["10.1.0.0/16", "172.16.0.0/12", "192.168.1.0/24", "100.64.0.0/10"] },
    failing: { allowedSources: ["8.0.0.0/8"] },
  }),
  {
    id: `${cloud}-existing-is-not-this-machine`,
    source: pages.connecting,
    why: "In a pod or a function, this name means the pod or function itself, where no database listens unless you run a proxy there.",
    date: "2026-11-30",
    severity: "acknowledge",
    check: ({ existing }, path) => {
      const rule = existing === null ? null : refuseHost(existing.host);
      return rule === null ? [] : [violation(`${path}.existing.host`, rule, existing?.host, "write the server's name or private address")];
    },
    passing: { existing: { host: "db.example", masterSecret: "master", ca: "ca.pem" } },
    failing: { existing: { host: "localhost", masterSecret: "master", ca: "ca.pem" } },
  },
];

/** Returns why no server can be at a host in a cloud; null if one can. */
export function refuseHost(host: string): string | null {
  if (isThisMachine(host)) return "is the machine that resolves it, which in a cloud is each pod";
  const rule = /^[0-9.]+$/.test(host) ? nobodysNetwork(`${host}/32`) : null;
  return rule === null ? null : `${rule}, so no server can be reached there`;
}
