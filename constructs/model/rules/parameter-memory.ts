import { GIB, type InstanceSettings } from "../instance";
import { atParameter, bytesOf, numberOf, setParameter, showBytes } from "../parameter-values";
import { created, type InstanceRule } from "../target";
import { manualPage } from "./parameter-row";

const MIB = 2 ** 20;

/** The share of memory that PostgreSQL can take at startup; the rest is for the system and sessions. */
const MOST_SHARED = 0.9;
/** PostgreSQL's manual: more than that is unlikely to help. */
const USEFUL_BUFFERS = 0.4;
/** The least memory of a working connection. Bytes. */
const PER_CONNECTION = 2 * MIB;
/** What vacuum uses of its memory before PostgreSQL 17. Bytes. */
const MOST_OF_VACUUM = GIB;
/** This many concurrent sorts must not fill the memory. */
const SORTS = 32;
/** This many times the memory if every connection sorts at the same time, which never happens in practice. */
const OVERBOOKED = 10;
/** What the sum of all processes must stay below. `MAX_BACKENDS` in postmaster.h. */
const MOST_PROCESSES = 262_143;

/** Bytes. Measured with `postgres -C shared_memory_size` of 17.10. */
const PER_PROCESS = 5_000;
const PER_LOCK = 400;
const PER_PREDICATE_LOCK = 250;

const memoryOf = ({ size }: InstanceSettings): number => size.memoryGib * GIB;

/** Returns the processes that the server reserves at startup, by the parameter that asks for them. */
function processesOf(instance: InstanceSettings): ReadonlyMap<string, number> {
  const defaults: Readonly<Record<string, number>> = {
    max_connections: 100,
    max_prepared_transactions: 0,
    max_worker_processes: 8,
    max_wal_senders: 10,
    ...(instance.majorVersion >= 18 ? { autovacuum_worker_slots: 16 } : { autovacuum_max_workers: 3 }),
  };
  return new Map(Object.entries(defaults).map(([name, value]) => [name, numberOf(instance, name) ?? value]));
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

/** Bytes of shared memory by the parameter that asks for them. A little less than PostgreSQL takes. */
function sharedOf(instance: InstanceSettings): ReadonlyMap<string, number> {
  const processes = processesOf(instance);
  const all = sum(processes.values());
  const locks = numberOf(instance, "max_locks_per_transaction") ?? 64;
  const predicates = numberOf(instance, "max_pred_locks_per_transaction") ?? 64;
  const activity = bytesOf(instance, "track_activity_query_size") ?? 1024;
  const perProcess = PER_PROCESS + 64 * PER_LOCK + 64 * PER_PREDICATE_LOCK;
  return new Map([
    ["shared_buffers", bytesOf(instance, "shared_buffers") ?? 0],
    ["wal_buffers", bytesOf(instance, "wal_buffers") ?? 0],
    ["min_dynamic_shared_memory", bytesOf(instance, "min_dynamic_shared_memory") ?? 0],
    ["max_locks_per_transaction", all * Math.max(locks - 64, 0) * PER_LOCK],
    ["max_pred_locks_per_transaction", all * Math.max(predicates - 64, 0) * PER_PREDICATE_LOCK],
    ["track_activity_query_size", all * activity],
    ...[...processes].map(([name, count]): [string, number] => [name, count * perProcess]),
  ]);
}

/** The parameter that asks for most, of those that the spec sets. */
const largest = (instance: InstanceSettings, shares: ReadonlyMap<string, number>): readonly [string, number] | undefined =>
  [...shares].filter(([name]) => setParameter(instance, name) !== null).sort(([, a], [, b]) => b - a)[0];

const isTooMuchShared = (instance: InstanceSettings): boolean => sum(sharedOf(instance).values()) > MOST_SHARED * memoryOf(instance);

const gibOf = ({ size }: InstanceSettings): string => `${size.memoryGib} GiB`;

/** A rule about the memory of one session. @param what operations that use it concurrently. */
const sessionRule = (name: "work_mem" | "temp_buffers", id: string, what: string): InstanceRule =>
  created({
    id,
    source: manualPage("resource", name),
    why: `Every connection may use that much${name === "work_mem" ? ", several times in one query" : ""}, and the operating system kills a server that runs out of memory.`,
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const bytes = bytesOf(instance, name);
      if (bytes === null) return [];
      const memory = memoryOf(instance);
      const connections = numberOf(instance, "max_connections");
      if (bytes >= memory / SORTS) {
        const rule = `lets ${Math.floor(memory / bytes)} concurrent ${what} fill the memory (${gibOf(instance)})`;
        const remedy = `set it below ${showBytes(memory / SORTS)}, and raise it in the sessions that need more`;
        return [atParameter(instance, path, name, rule, remedy)];
      }
      if (connections === null || bytes * connections <= OVERBOOKED * memory) return [];
      const rule = `takes ${showBytes(bytes * connections)} of the memory (${gibOf(instance)}) if all of max_connections (${connections}) use it`;
      return [atParameter(instance, path, name, rule, "lower one of the two")];
    },
    passing: { parameters: { [name]: "64MB" } },
    failing: { parameters: { [name]: "1GB" } },
  });

/** Rules about parameters that use an instance's memory and disk, in all units. */
export const memoryRules: readonly InstanceRule[] = [
  created({
    id: "shared-memory-fits",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html",
    why: "The server allocates this memory when it starts, and does not start without it.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) => {
      if (!isTooMuchShared(instance)) return [];
      const [name, bytes] = largest(instance, sharedOf(instance)) ?? [];
      if (name === undefined || bytes === undefined) return [];
      const rule = `takes ${showBytes(bytes)} at startup, and leaves less than a tenth of the memory (${gibOf(instance)})`;
      const remedy =
        name === "shared_buffers"
          ? `use a quarter of the memory, ${showBytes(memoryOf(instance) / 4)}; a number without a unit counts blocks of 8 kB`
          : "lower it, or choose a larger size";
      return [atParameter(instance, path, name, rule, remedy)];
    },
    passing: { parameters: { shared_buffers: "2GB", max_connections: 2000 } },
    failing: { parameters: { shared_buffers: 2097152 } },
  }),
  created({
    id: "shared-buffers-leave-memory",
    source: manualPage("resource", "shared_buffers"),
    why: "PostgreSQL also relies on the operating system's cache, and sessions need memory; more than 40 % is unlikely to help.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const bytes = bytesOf(instance, "shared_buffers");
      if (bytes === null || bytes <= USEFUL_BUFFERS * memoryOf(instance) || isTooMuchShared(instance)) return [];
      const rule = `is ${Math.round((bytes / memoryOf(instance)) * 100)} % of the memory (${gibOf(instance)}), and leaves too little for sessions and the operating system's cache`;
      return [atParameter(instance, path, "shared_buffers", rule, `use a quarter, ${showBytes(memoryOf(instance) / 4)}, and at most 40 %`)];
    },
    passing: { parameters: { shared_buffers: "3GB" } },
    failing: { parameters: { shared_buffers: "5GB" } },
  }),
  created({
    id: "max-connections-fit-memory",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html",
    why: "Each connection is a process with separate caches, and the operating system kills a server that runs out of memory.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const connections = numberOf(instance, "max_connections");
      if (connections === null || isTooMuchShared(instance)) return [];
      const each = memoryOf(instance) / connections;
      const rule = `leaves only ${showBytes(each)} of memory for each connection`;
      const remedy = "lower it to what the platforms need, or choose a larger size; RDS calculates 9 MB per connection";
      return each < PER_CONNECTION ? [atParameter(instance, path, "max_connections", rule, remedy)] : [];
    },
    passing: { parameters: { max_connections: 2000 } },
    failing: { parameters: { max_connections: 20_000 } },
  }),
  created({
    id: "processes-within-limit",
    source: manualPage("connection", "max_connections"),
    why: "PostgreSQL numbers its processes, and does not start if there are more than it can number.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) => {
      const processes = processesOf(instance);
      if (sum(processes.values()) < MOST_PROCESSES || isTooMuchShared(instance)) return [];
      const [name] = largest(instance, processes) ?? [];
      const rule = `needs more processes than a server can have (${MOST_PROCESSES}), together with ${[...processes.keys()].filter((each) => each !== name).join(", ")}`;
      return name === undefined ? [] : [atParameter(instance, path, name, rule, "lower it")];
    },
    passing: { size: { vcpus: 64, memoryGib: 512 }, parameters: { max_connections: 200_000 } },
    failing: { size: { vcpus: 64, memoryGib: 512 }, parameters: { max_connections: 262_143 } },
  }),
  sessionRule("work_mem", "work-mem-fits-memory", "sorts"),
  sessionRule("temp_buffers", "temp-buffers-fit-memory", "sessions"),
  created({
    id: "hash-memory-fits",
    source: manualPage("resource", "hash_mem_multiplier"),
    why: "A hash table may use work_mem times this number, and the operating system kills a server that runs out of memory.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const multiplier = numberOf(instance, "hash_mem_multiplier");
      const bytes = (multiplier ?? 0) * (bytesOf(instance, "work_mem") ?? 4 * MIB);
      const rule = `lets one hash table take ${showBytes(bytes)} of the memory (${gibOf(instance)})`;
      return multiplier !== null && multiplier > 2 && bytes >= memoryOf(instance) / (SORTS / 2)
        ? [atParameter(instance, path, "hash_mem_multiplier", rule, "lower it, or work_mem; the default is 2")]
        : [];
    },
    passing: { parameters: { hash_mem_multiplier: 8 } },
    failing: { parameters: { hash_mem_multiplier: 1000 } },
  }),
  created({
    id: "maintenance-fits-memory",
    source: manualPage("resource", "maintenance_work_mem"),
    why: "Each autovacuum worker may use that much, and the operating system kills a server that runs out of memory.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const own = bytesOf(instance, "autovacuum_work_mem");
      const shared = bytesOf(instance, "maintenance_work_mem");
      const name = own === null ? "maintenance_work_mem" : "autovacuum_work_mem";
      const workers = numberOf(instance, "autovacuum_max_workers") ?? 3;
      const memory = memoryOf(instance);
      if (shared !== null && shared > memory / 2) {
        const rule = `lets one index build take ${showBytes(shared)} of the memory (${gibOf(instance)})`;
        const remedy = `set it to about ${showBytes(memory / 16)}, and raise it in the sessions that need more`;
        return [atParameter(instance, path, "maintenance_work_mem", rule, remedy)];
      }
      const bytes = Math.min(own ?? shared ?? 0, instance.majorVersion < 17 ? MOST_OF_VACUUM : Number.POSITIVE_INFINITY) * workers;
      const rule = `lets ${workers} autovacuum workers take ${showBytes(bytes)} of the memory (${gibOf(instance)})`;
      return bytes > memory ? [atParameter(instance, path, name, rule, "lower it, or autovacuum_max_workers")] : [];
    },
    passing: { parameters: { maintenance_work_mem: "1GB" } },
    failing: { parameters: { maintenance_work_mem: "16GB" } },
  }),
  created({
    id: "effective-cache-within-memory",
    source: manualPage("query", "effective_cache_size"),
    why: "The planner assumes that everything is cached, and chooses plans with many random disk reads.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const bytes = bytesOf(instance, "effective_cache_size");
      if (bytes === null || bytes <= memoryOf(instance)) return [];
      const rule = `is ${showBytes(bytes)}, more than the memory (${gibOf(instance)})`;
      const remedy = `use half to three quarters of it, up to ${showBytes(memoryOf(instance) * 0.75)}; a number without a unit counts blocks of 8 kB`;
      return [atParameter(instance, path, "effective_cache_size", rule, remedy)];
    },
    passing: { parameters: { effective_cache_size: "6GB" } },
    failing: { parameters: { effective_cache_size: "64GB" } },
  }),
  created({
    id: "logical-decoding-fits-memory",
    source: manualPage("resource", "logical_decoding_work_mem"),
    why: "Each subscriber may use that much, and the operating system kills a server that runs out of memory.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const bytes = bytesOf(instance, "logical_decoding_work_mem");
      if (bytes === null || bytes <= memoryOf(instance) / 4) return [];
      const rule = `lets each subscriber take ${showBytes(bytes)} of the memory (${gibOf(instance)})`;
      return [atParameter(instance, path, "logical_decoding_work_mem", rule, "lower it; the default is 64MB")];
    },
    passing: { parameters: { logical_decoding_work_mem: "256MB" } },
    failing: { parameters: { logical_decoding_work_mem: "4GB" } },
  }),
  created({
    id: "stack-within-limit",
    source: manualPage("resource", "max_stack_depth"),
    why: "The server does not start if this exceeds the system's stack limit less 512 kB; Linux's default limit is 8 MB.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const rule = "exceeds what Linux's default stack limit allows (7680kB), so the server may not start";
      return (bytesOf(instance, "max_stack_depth") ?? 0) > 7680 * 1024
        ? [atParameter(instance, path, "max_stack_depth", rule, "set it to 7680kB or less")]
        : [];
    },
    passing: { parameters: { max_stack_depth: "7MB" } },
    failing: { parameters: { max_stack_depth: "100MB" } },
  }),
];
