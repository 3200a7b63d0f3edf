import { type Violation, violation } from "../model/errors";
import type { InstanceSettings } from "../model/instance";
import { ownEntry } from "../model/json";
import { checkEach, checkItems } from "../model/rule";
import type { WholeRule } from "../model/target";
import { CHECKED, GUIDE, READ } from "./rules";
import type { GcpSettings, gcpFields } from "./section";
import { each, SECTION } from "./section-rules";
import { isSharedCore } from "./tier-names";
import { HYPERDISK_FLOOR, seriesOf } from "./tiers";

/** IOPS of Hyperdisk Balanced: the most per GiB, and the range per MiB/s. */
const MOST_FOR_GIB = 500;
const LEAST_FOR_MIB = 4;
const MOST_FOR_MIB = 256;

/** Rules about machines and disks. */
export const gcpDiskRules: readonly WholeRule<typeof gcpFields>[] = [
  {
    id: "gcp-size-has-a-tier",
    source: `${GUIDE}/machine-series-overview`,
    why: "Cloud SQL rejects a tier that its edition and disk do not have.",
    date: READ,
    severity: "error",
    check: ({ section, instances }) =>
      checkEach(instances, ({ existing, size }, name) => {
        const tier = ownEntry(section.instances, name)?.tier ?? null;
        return existing === null ? checkTier(section, size, tier, name) : [];
      }),
    passing: { section: { ...SECTION, edition: "ENTERPRISE_PLUS" }, instances: { at: { size: { vcpus: 2, memoryGib: 16 } } } },
    failing: { section: { ...SECTION, edition: "ENTERPRISE_PLUS" }, instances: { at: { size: { vcpus: 2, memoryGib: 8 } } } },
  },
  {
    id: "gcp-only-hyperdisk-is-provisioned",
    source: `${GUIDE}/storage-options-overview`,
    why: "Cloud SQL rejects IOPS and throughput on an SSD, whose size sets its performance, and values beyond a machine's limits.",
    date: READ,
    severity: "error",
    check: each(checkPerformance),
    passing: { section: { ...SECTION, disk: "HYPERDISK_BALANCED" }, instances: { at: { iops: 15000, throughputMibps: 240 } } },
    failing: { section: SECTION, instances: { at: { iops: 12000 } } },
  },
  {
    id: "gcp-hyperdisk-has-twenty-gib",
    source: `${GUIDE}/storage-options-overview`,
    why: "Cloud SQL rejects a smaller Hyperdisk when it creates the instance.",
    date: READ,
    severity: "error",
    check: each(({ disk }, { storageGib }, path) =>
      disk === "HYPERDISK_BALANCED" && storageGib < SMALLEST_HYPERDISK
        ? [violation(`${path}.storageGib`, `must be at least ${SMALLEST_HYPERDISK} with disk ${disk}`, storageGib)]
        : [],
    ),
    passing: { section: SECTION, instances: { at: { storageGib: 10 } } },
    failing: { section: { ...SECTION, disk: "HYPERDISK_BALANCED" }, instances: { at: { storageGib: 19 } } },
  },
  {
    id: "gcp-hyperdisk-iops-fit-its-size",
    source: "https://github.com/kubernetes-sigs/gcp-compute-persistent-disk-csi-driver/pull/2054",
    why: "Google rejects more than 500 IOPS per GiB of a Hyperdisk when it creates or changes the instance.",
    date: CHECKED,
    severity: "error",
    check: each(({ disk }, { storageGib, iops }, path) => {
      const most = storageGib * MOST_FOR_GIB;
      if (disk !== "HYPERDISK_BALANCED" || iops === null || iops <= most) return [];
      const rule = `must be at most ${most}, ${MOST_FOR_GIB} per GiB of storageGib (${storageGib})`;
      return [violation(`${path}.iops`, rule, iops, `lower it, or set storageGib to ${Math.ceil(iops / MOST_FOR_GIB)} or more`)];
    }),
    passing: { section: { ...SECTION, disk: "HYPERDISK_BALANCED" }, instances: { at: { storageGib: 30, iops: 15000 } } },
    failing: { section: { ...SECTION, disk: "HYPERDISK_BALANCED" }, instances: { at: { storageGib: 20, iops: 15000 } } },
  },
  {
    id: "gcp-hyperdisk-throughput-fits-its-iops",
    source: "https://cloud.google.com/compute/docs/disks/hd-types/hyperdisk-balanced",
    why: "A Hyperdisk needs 4 to 256 IOPS per MiB/s; other numbers are rejected, or billed and never reached.",
    date: CHECKED,
    severity: "warning",
    check: each(({ disk }, { iops, throughputMibps }, path) => {
      if (disk !== "HYPERDISK_BALANCED" || iops === null || throughputMibps === null) return [];
      const [least, most] = [Math.ceil(iops / MOST_FOR_MIB), Math.floor(iops / LEAST_FOR_MIB)];
      if (throughputMibps >= least && throughputMibps <= most) return [];
      const rule = `should be from ${least} to ${most} with iops ${iops}: ${LEAST_FOR_MIB} to ${MOST_FOR_MIB} IOPS per MiB/s`;
      return [violation(`${path}.throughputMibps`, rule, throughputMibps)];
    }),
    passing: { section: { ...SECTION, disk: "HYPERDISK_BALANCED" }, instances: { at: { iops: 15000, throughputMibps: 240 } } },
    failing: { section: { ...SECTION, disk: "HYPERDISK_BALANCED" }, instances: { at: { iops: 3000, throughputMibps: 1000 } } },
  },
];

/** GiB. */
const SMALLEST_HYPERDISK = 20;

/** @param tier null if the spec sets the size, which decides the tier. */
function checkTier(section: GcpSettings, size: InstanceSettings["size"], tier: string | null, name: string): readonly Violation[] {
  const series = seriesOf(section);
  const hasShared = section.edition === "ENTERPRISE" && section.disk === "PD_SSD";
  const found = series.tier(size);
  if (tier === null ? found !== null : found === tier || (hasShared && isSharedCore(tier))) return [];
  const path = `instances.${name}.size`;
  const near = series.near(size);
  const of = `of edition ${section.edition} with disk ${section.disk} (${series.name}: ${series.sizes})`;
  if (tier !== null) return [violation(path, `must be a tier ${of}`, tier, `the nearest is ${series.tier(near)}`)];
  const shared = hasShared && size.memoryGib < near.memoryGib ? `; for development, set gcp.instances.${name}.tier to "db-f1-micro"` : "";
  const remedy = `the nearest is { vcpus: ${near.vcpus}, memoryGib: ${near.memoryGib} }${shared}`;
  return [violation(path, `must be a size ${of}`, `${size.vcpus} vCPUs and ${size.memoryGib} GiB`, remedy)];
}

function checkPerformance(section: GcpSettings, instance: InstanceSettings, path: string): readonly Violation[] {
  const { size, highAvailability } = instance;
  const most = seriesOf(section).performance(size.vcpus, highAvailability);
  return checkItems(["iops", "throughputMibps"] as const, (field) => {
    const value = instance[field];
    if (value === null) return [];
    if (most === null) {
      const remedy = 'remove it, or set gcp.disk to "HYPERDISK_BALANCED"';
      return [violation(`${path}.${field}`, `cannot be set on ${section.disk}`, value, remedy)];
    }
    const key = field === "iops" ? "iops" : "throughput";
    const [min, max] = [HYPERDISK_FLOOR[key], most[key]];
    const rule = `must be from ${min} to ${max} with ${size.vcpus} vCPUs and highAvailability: ${highAvailability}`;
    return value >= min && value <= max ? [] : [violation(`${path}.${field}`, rule, value)];
  });
}
