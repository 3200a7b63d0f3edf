import { violation } from "../errors";
import { setParameter, showBytes } from "../parameter-values";
import { toBase } from "../parameters";
import { created, type InstanceRule } from "../target";
import { manualPage } from "./parameter-row";

/** A parameter whose unit people often mistake. */
interface Counted {
  readonly chapter: Parameters<typeof manualPage>[0];
  /** A smaller number makes no sense in the parameter's own unit. */
  readonly least: number;
  readonly counts: string;
  /** The unit in which such a number is usual. */
  readonly meant: string;
}

const BLOCKS = "blocks of 8 kB";

/** Zero and negative numbers have other meanings. What is below a parameter's range is rejected elsewhere. */
const COUNTED: Readonly<Record<string, Counted>> = {
  shared_buffers: { chapter: "resource", least: 16_384, counts: BLOCKS, meant: "MB" },
  effective_cache_size: { chapter: "query", least: 32_768, counts: BLOCKS, meant: "MB" },
  temp_buffers: { chapter: "resource", least: 256, counts: BLOCKS, meant: "MB" },
  wal_buffers: { chapter: "wal", least: 128, counts: BLOCKS, meant: "MB" },
  work_mem: { chapter: "resource", least: 1024, counts: "kB", meant: "MB" },
  maintenance_work_mem: { chapter: "resource", least: 8192, counts: "kB", meant: "MB" },
  autovacuum_work_mem: { chapter: "resource", least: 8192, counts: "kB", meant: "MB" },
  logical_decoding_work_mem: { chapter: "resource", least: 4096, counts: "kB", meant: "MB" },
  max_wal_size: { chapter: "wal", least: 128, counts: "MB", meant: "GB" },
  max_slot_wal_keep_size: { chapter: "replication", least: 128, counts: "MB", meant: "GB" },
  log_min_duration_statement: { chapter: "logging", least: 20, counts: "milliseconds", meant: "s" },
  log_autovacuum_min_duration: { chapter: "logging", least: 20, counts: "milliseconds", meant: "s" },
};

/** Microseconds of a parameter that counts milliseconds, for a person. */
const show = (name: string, base: number): string => (COUNTED[name]?.counts === "milliseconds" ? `${base / 1000} ms` : showBytes(base));

/** Rules about sizes and times that were meant in another unit. */
export const unitRules: readonly InstanceRule[] = [
  ...Object.entries(COUNTED).map(([name, { chapter, least, counts, meant }]) =>
    created({
      id: `${name.replaceAll("_", "-")}-has-its-unit`,
      source: manualPage(chapter, name),
      why: `PostgreSQL counts a number without a unit in ${counts}; one meant in ${meant} is ${counts === BLOCKS ? 128 : 1000} times too small.`,
      date: "2026-11-30",
      severity: "warning",
      check: (instance, path) => {
        const found = setParameter(instance, name);
        if (found === null || !/^\d+$/.test(String(found.written))) return [];
        const number = Number(found.written);
        const rule = `is counted in ${counts} without a unit, which gives ${show(name, toBase(found.parameter, number))}`;
        return number > 0 && number < least
          ? [violation(`${path}.parameters.${name}`, rule, found.written, `write the unit, such as "${number}${meant}"`)]
          : [];
      },
      passing: { parameters: { [name]: `${least}${meant}` } },
      failing: { parameters: { [name]: least - 1 } },
    }),
  ),
];
