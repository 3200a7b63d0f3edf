import { describe, expect, it } from "vitest";
import { formatViolation } from "../../constructs/model/errors";
import { minimalAws, resolveAws, withMain } from "../fixtures/aws";
import { minimalGcp, resolveGcp } from "../fixtures/gcp";

const P = "instances.main.parameters";
const warned = (parameters: object) => resolveAws(withMain(minimalAws, { parameters } as never)).warnings.map(formatViolation);
const onGcp = (parameters: object) =>
  resolveGcp({ ...minimalGcp, instances: { main: { parameters } } } as never).warnings.map(formatViolation);

describe("a number without a unit", () => {
  it.each<[object, string]>([
    [
      { shared_buffers: 2048 },
      `${P}.shared_buffers: is counted in blocks of 8 kB without a unit, which gives 16 MB, got 2048; write the unit, such as "2048MB" [shared-buffers-has-its-unit]`,
    ],
    [
      { work_mem: "64" },
      `${P}.work_mem: is counted in kB without a unit, which gives 64 kB, got "64"; write the unit, such as "64MB" [work-mem-has-its-unit]`,
    ],
    [
      { log_min_duration_statement: 1 },
      `${P}.log_min_duration_statement: is counted in milliseconds without a unit, which gives 1 ms, got 1; write the unit, such as "1s" [log-min-duration-statement-has-its-unit]`,
    ],
    [
      { max_wal_size: 64, min_wal_size: 48 },
      `${P}.max_wal_size: is counted in MB without a unit, which gives 64 MB, got 64; write the unit, such as "64GB" [max-wal-size-has-its-unit]`,
    ],
  ])("is taken for a mistake where it is absurd: %j", (parameters, message) => {
    expect(warned(parameters)).toEqual([message]);
  });

  it.each([
    { shared_buffers: 262_144, effective_cache_size: 786_432, work_mem: 6990, maintenance_work_mem: 524_288, wal_buffers: 2048 },
    { shared_buffers: "64MB", work_mem: "64kB", log_min_duration_statement: "5ms" },
    { wal_buffers: -1, log_autovacuum_min_duration: -1, autovacuum_work_mem: -1 },
    { shared_buffers: "{DBInstanceClassMemory/32768}" },
    { log_min_duration_statement: 250, max_wal_size: 8192, min_wal_size: 2048 },
  ])("is right in %j", (parameters) => {
    expect(warned(parameters)).toEqual([]);
  });
});

describe("sizes that belong together", () => {
  it.each(["6GB", "800MB", 1_000_000])("Cloud SQL is said to refuse an effective_cache_size of %s at 8 GiB", (size) => {
    expect(onGcp({ effective_cache_size: size })).toEqual([
      `${P}.effective_cache_size: is outside the documented range of Cloud SQL: 10 % (819.2 MB) to 70 % (5.6 GB) of the memory, got ${JSON.stringify(size)}; leave it out for 40 %; a number without a unit counts blocks of 8 kB [gcp-effective-cache-is-in-range]`,
    ]);
  });

  it("RDS takes it, and is warned of more than there is", () => {
    expect(warned({ effective_cache_size: "6GB" })).toEqual([]);
    expect(warned({ effective_cache_size: 8_388_608 })).toEqual([
      `${P}.effective_cache_size: is 64 GB, more than the memory (8 GiB), got 8388608; use half to three quarters of it, up to 6 GB; a number without a unit counts blocks of 8 kB [effective-cache-within-memory]`,
    ]);
    expect(onGcp({ effective_cache_size: "5GB" })).toEqual([]);
  });
});
