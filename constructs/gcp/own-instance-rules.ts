import { type Violation, violation } from "../model/errors";
import type { InstanceSettings } from "../model/instance";
import { ownEntry } from "../model/json";
import { checkEach } from "../model/rule";
import type { WholeRule } from "../model/target";
import { CHECKED, GUIDE } from "./rules";
import type { GcpSettings, gcpFields } from "./section";
import { SECTION } from "./section-rules";
import { isSharedCore } from "./tier-names";

type Rule = WholeRule<typeof gcpFields>;
type Own = GcpSettings["instances"][string];

/** GiB of a disk with a shared core. */
const LARGEST_SHARED_DISK = 3_054;

/** Regions without a zone a. https://cloud.google.com/compute/docs/regions-zones */
const WITHOUT_A: readonly string[] = ["europe-west1", "us-east1"];

/** Checks the Google Cloud settings of each created instance. */
const each =
  (check: (own: Own, path: string, instance: InstanceSettings, section: GcpSettings) => readonly Violation[]): Rule["check"] =>
  ({ section, instances }) =>
    checkEach(section.instances as Readonly<Record<string, Own>>, (own, name) => {
      const instance = ownEntry(instances, name);
      return instance === undefined || instance.existing !== null ? [] : check(own, `gcp.instances.${name}`, instance, section);
    });

/** Rules about `gcp.instances`. */
export const gcpOwnInstanceRules: readonly Rule[] = [
  {
    id: "gcp-shared-cores-are-for-development",
    source: `${GUIDE}/instance-settings`,
    why: "A shared core slows down when its neighbours are busy, and no SLA covers its outages.",
    date: CHECKED,
    severity: "warning",
    check: each(({ tier }, path) =>
      tier !== null && isSharedCore(tier)
        ? [
            violation(
              `${path}.tier`,
              "shares a core with other customers: Google offers it for development and tests, and no SLA covers it",
              tier,
              "use db-custom-1-3840 or larger in production",
            ),
          ]
        : [],
    ),
    passing: { section: { ...SECTION, instances: { at: { tier: "db-custom-1-3840" } } }, instances: { at: {} } },
    failing: { section: { ...SECTION, instances: { at: { tier: "db-f1-micro" } } }, instances: { at: {} } },
  },
  {
    id: "gcp-shared-cores-have-small-disks",
    source: `${GUIDE}/instance-settings`,
    why: "Cloud SQL rejects a larger disk, or a ceiling above it, on a shared core.",
    date: CHECKED,
    severity: "error",
    check: each(({ tier }, path, instance) =>
      tier === null || !isSharedCore(tier)
        ? []
        : (["storageGib", "maxStorageGib"] as const)
            .filter((field) => (instance[field] ?? 0) > LARGEST_SHARED_DISK)
            .map((field) =>
              violation(
                `${path.replace("gcp.", "")}.${field}`,
                `must be at most ${LARGEST_SHARED_DISK} with tier ${tier}`,
                instance[field],
              ),
            ),
    ),
    passing: { section: { ...SECTION, instances: { at: { tier: "db-f1-micro" } } }, instances: { at: {} } },
    failing: { section: { ...SECTION, instances: { at: { tier: "db-f1-micro" } } }, instances: { at: { storageGib: 1000 } } },
  },
  {
    id: "gcp-zones-are-in-the-region",
    source: `${GUIDE}/locations`,
    why: "Cloud SQL rejects a zone that its region does not have.",
    date: CHECKED,
    severity: "error",
    check: each(({ zone }, path, _instance, { region }) => {
      const letters = WITHOUT_A.includes(region) ? "bcd" : "abcdef";
      return zone === null || (zone.replace(/-[a-z]$/, "") === region && letters.includes(zone.at(-1) ?? ""))
        ? []
        : [violation(`${path}.zone`, `must be a zone of ${region}`, zone, `such as ${region}-${letters[0]}`)];
    }),
    passing: { section: { ...SECTION, instances: { at: { zone: "europe-west4-b" } } }, instances: { at: {} } },
    failing: { section: { ...SECTION, instances: { at: { zone: "europe-west1-b" } } }, instances: { at: {} } },
  },
  {
    id: "gcp-chosen-names-differ",
    source: `${GUIDE}/instance-settings`,
    why: "Cloud SQL rejects a second instance with the same name in a project.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { instances } }) => {
      const owners = new Map<string, string>();
      return checkEach(instances as Readonly<Record<string, Own>>, ({ name }, instance) => {
        if (name === null) return [];
        const owner = owners.get(name);
        owners.set(name, owner ?? instance);
        return owner === undefined ? [] : [violation(`gcp.instances.${instance}.name`, `is also the name of ${owner}`, name)];
      });
    },
    passing: { section: { ...SECTION, instances: { at: { name: "db" }, other: { name: "db2" } } }, instances: { at: {}, other: {} } },
    failing: { section: { ...SECTION, instances: { at: { name: "db" }, other: { name: "db" } } }, instances: { at: {}, other: {} } },
  },
  {
    id: "gcp-chosen-names-block-replacements",
    source: `${GUIDE}/delete-instance`,
    why: "The replacement fails until the name of the deleted instance is free, up to a week later.",
    date: CHECKED,
    severity: "warning",
    check: each(({ name }, path) =>
      name === null
        ? []
        : [
            violation(
              `${path}.name`,
              "blocks replacing the instance: Cloud SQL keeps the name of a deleted instance for up to a week",
              name,
              "leave it out, so that each instance gets an unused name",
            ),
          ],
    ),
    passing: { section: SECTION, instances: { at: {} } },
    failing: { section: { ...SECTION, instances: { at: { name: "db" } } }, instances: { at: {} } },
  },
];
