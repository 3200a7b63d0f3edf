import { GIB, type InstanceSettings } from "../instance";
import { atParameter, bytesOf, numberOf, setParameter, showBytes } from "../parameter-values";
import { toPlainValue } from "../parameters";
import { checkItems } from "../rule";
import { created, type InstanceRule } from "../target";
import { manualPage } from "./parameter-row";

/** Two segments of WAL of 16 MB, PostgreSQL's least. Bytes. */
const LEAST_WAL = 32 * 2 ** 20;
/** The share of a disk that WAL may take. */
const MOST_WAL = 0.5;
const DEFAULT_SENDERS = 10;
const REMOVE = "remove it; the default is 10";

/** Parameters that enable logical replication, by host. */
const LOGICAL = ["rds.logical_replication", "cloudsql.logical_decoding"] as const;

const isLogical = (instance: InstanceSettings): boolean =>
  setParameter(instance, "wal_level")?.plain === "logical" ||
  LOGICAL.some((name) => {
    const value = instance.parameters[name];
    return value !== undefined && toPlainValue({ type: "bool" }, value) === "on";
  });

/** Parameters that need more WAL than `minimal`, if they have this effect. */
const BEYOND_MINIMAL: readonly (readonly [name: string, uses: (plain: string | undefined) => boolean, remedy: string])[] = [
  ["max_wal_senders", (plain) => Number(plain ?? DEFAULT_SENDERS) > 0, "set max_wal_senders to 0, or remove wal_level"],
  ["archive_mode", (plain = "off") => plain !== "off", "set archive_mode to off, or remove wal_level"],
  ["summarize_wal", (plain = "off") => plain !== "off", "set summarize_wal to off, or remove wal_level"],
];

/** Caches of the transaction log's neighbours, which are divided into banks of 16 pages. */
const BANKED = [
  "commit_timestamp_buffers",
  "multixact_member_buffers",
  "multixact_offset_buffers",
  "notify_buffers",
  "serializable_buffers",
  "subtransaction_buffers",
  "transaction_buffers",
] as const;
const PAGES_OF_BANK = 16;

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const DEFAULT_LEAST_VERSION = "TLSv1.2";

/** Rules about parameters that must fit together, or fit replicas, disk and TLS. */
export const replicationRules: readonly InstanceRule[] = [
  created({
    id: "replicas-need-wal-senders",
    source: manualPage("replication", "max_wal_senders"),
    why: "Each replica uses one WAL sender of its primary, and cannot connect without one.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) => {
      const rule = `must be at least ${instance.readReplicas}, one for each read replica`;
      return (numberOf(instance, "max_wal_senders") ?? instance.readReplicas) < instance.readReplicas
        ? [atParameter(instance, path, "max_wal_senders", rule, REMOVE)]
        : [];
    },
    passing: { readReplicas: 2, parameters: { max_wal_senders: 10 } },
    failing: { readReplicas: 1, parameters: { max_wal_senders: 0 } },
  }),
  created({
    id: "replicas-need-slots",
    source: manualPage("replication", "max_replication_slots"),
    why: "A cloud may create a slot for each replica, so that the primary keeps the WAL that the replica still needs.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const rule = `is less than readReplicas (${instance.readReplicas})`;
      return (numberOf(instance, "max_replication_slots") ?? instance.readReplicas) < instance.readReplicas
        ? [atParameter(instance, path, "max_replication_slots", rule, REMOVE)]
        : [];
    },
    passing: { readReplicas: 2, parameters: { max_replication_slots: 10 } },
    failing: { readReplicas: 1, parameters: { max_replication_slots: 0 } },
  }),
  created({
    id: "logical-replication-needs-senders",
    source: "https://www.postgresql.org/docs/17/logical-replication-config.html",
    why: "Each subscription needs a slot and a WAL sender on the publisher.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) =>
      isLogical(instance)
        ? checkItems(["max_wal_senders", "max_replication_slots"], (name) =>
            numberOf(instance, name) === 0 ? [atParameter(instance, path, name, "leaves no room for a logical subscriber", REMOVE)] : [],
          )
        : [],
    passing: { parameters: { "rds.logical_replication": 1 } },
    failing: { parameters: { "rds.logical_replication": 1, max_replication_slots: 0 } },
  }),
  created({
    id: "wal-level-fits",
    source: manualPage("wal", "wal_level"),
    why: "The server does not start if WAL senders, the archiver or the summarizer need more than minimal WAL.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) => {
      if (setParameter(instance, "wal_level")?.plain !== "minimal") return [];
      const [first] = BEYOND_MINIMAL.filter(([name, uses]) => uses(setParameter(instance, name)?.plain));
      if (first === undefined) return [];
      const [name, , remedy] = first;
      return [atParameter(instance, path, "wal_level", `must be replica or logical with ${name}`, remedy)];
    },
    passing: { parameters: { wal_level: "minimal", max_wal_senders: 0 } },
    failing: { parameters: { wal_level: "minimal" } },
  }),
  created({
    id: "wal-has-two-segments",
    source: manualPage("wal", "max_wal_size"),
    why: "The server does not start with fewer than two WAL segments.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) =>
      checkItems(["max_wal_size", "min_wal_size"], (name) => {
        const rule = `must be at least ${showBytes(LEAST_WAL)}, two WAL segments`;
        return (bytesOf(instance, name) ?? LEAST_WAL) < LEAST_WAL
          ? [atParameter(instance, path, name, rule, "a number without a unit counts MB")]
          : [];
      }),
    passing: { parameters: { max_wal_size: "4GB" } },
    failing: { parameters: { max_wal_size: 16 } },
  }),
  created({
    id: "wal-fits-disk",
    source: manualPage("wal", "max_wal_size"),
    why: "WAL shares the disk with the data, and the server stops when the disk is full.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) =>
      checkItems(["max_wal_size", "min_wal_size", "wal_keep_size", "max_slot_wal_keep_size"], (name) => {
        const bytes = bytesOf(instance, name);
        const most = MOST_WAL * instance.storageGib * GIB;
        if (bytes === null || bytes <= most) return [];
        const rule = `lets WAL take ${showBytes(bytes)} of the disk (${instance.storageGib} GiB)`;
        return [atParameter(instance, path, name, rule, `set it to ${showBytes(most)} or less; a number without a unit counts MB`)];
      }),
    passing: { storageGib: 100, parameters: { max_wal_size: "20GB" } },
    failing: { storageGib: 100, parameters: { max_wal_size: "1TB" } },
  }),
  created({
    id: "caches-have-whole-banks",
    source: manualPage("resource", "transaction_buffers"),
    why: "The server starts only if this cache is a whole number of banks of 16 pages.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) =>
      checkItems(BANKED, (name) =>
        (numberOf(instance, name) ?? 0) % PAGES_OF_BANK === 0
          ? []
          : [atParameter(instance, path, name, `must be a multiple of ${PAGES_OF_BANK} pages of 8 kB`)],
      ),
    passing: { parameters: { transaction_buffers: "1MB" } },
    failing: { parameters: { transaction_buffers: 100 } },
  }),
  created({
    id: "tls-versions-leave-one",
    source: manualPage("connection", "ssl_max_protocol_version"),
    why: "No client can connect if the newest version allowed is older than the oldest, and the server does not start.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) => {
      const newest = setParameter(instance, "ssl_max_protocol_version");
      const oldest = setParameter(instance, "ssl_min_protocol_version")?.plain ?? DEFAULT_LEAST_VERSION;
      if (newest === null || newest.plain === "" || VERSIONS.indexOf(newest.plain) >= VERSIONS.indexOf(oldest)) return [];
      const rule = `must be ${oldest} or newer, the oldest that ssl_min_protocol_version allows`;
      return [atParameter(instance, path, "ssl_max_protocol_version", rule, "remove it")];
    },
    passing: { parameters: { ssl_max_protocol_version: "TLSv1.3" } },
    failing: { parameters: { ssl_max_protocol_version: "TLSv1.1" } },
  }),
];
