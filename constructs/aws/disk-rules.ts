import { type Violation, violation } from "../model/errors";
import { completeInstance, type InstanceSettings } from "../model/instance";
import { ownEntry } from "../model/json";
import { checkEach, checkItems } from "../model/rule";
import { created, type InstanceRule, type WholeRule } from "../model/target";
import { classOf } from "./classes";
import { diskLimitOf } from "./disk-limits";
import { CHECKED, GUIDE } from "./rules";
import type { AwsSettings, awsFields } from "./section";
import { region } from "./section-rules";
import { GP3 } from "./storage";

/** Burstable classes, which earn CPU credits while idle. */
const BURSTABLE = /^db\.t\d/;

/** Checks each created instance together with its class; a missing class has its own rule. */
const eachClass =
  (check: (className: string, instance: InstanceSettings, path: string) => readonly Violation[]): WholeRule<typeof awsFields>["check"] =>
  ({ section, instances }) =>
    checkEach(instances, (instance, name) => {
      const className = nameOf(section, instance, name);
      return instance.existing !== null || className === null ? [] : check(className, instance, `instances.${name}`);
    });

const nameOf = ({ instances }: AwsSettings, { size }: InstanceSettings, name: string): string | null =>
  ownEntry(instances, name)?.class ?? classOf(size)?.name ?? null;

/** Whether the ceiling is the default that this project derives from the disk. */
const isDerived = (instance: InstanceSettings): boolean => completeInstance(instance, {}).maxStorageGib === instance.maxStorageGib;

/** Rules about the disk of one instance. */
export const awsDiskRules: readonly InstanceRule[] = [
  created({
    id: "aws-ceilings-do-not-cross-the-stripes",
    source: `${GUIDE}/CHAP_Storage.html#gp3-storage`,
    why: "At 400 GiB, RDS moves the data from one volume to four, which slows the disk for hours. Once the disk has grown, RDS rejects a smaller size.",
    date: CHECKED,
    severity: "warning",
    check: (instance, path) => {
      const { storageGib, maxStorageGib } = instance;
      const { stripedFromGib } = GP3;
      return maxStorageGib === null || storageGib >= stripedFromGib || maxStorageGib < stripedFromGib || isDerived(instance)
        ? []
        : [
            violation(
              `${path}.maxStorageGib`,
              `lets the disk grow past ${stripedFromGib} GiB, where RDS moves the data to four volumes and slows the disk for hours`,
              maxStorageGib,
              `set storageGib (${storageGib}) to ${stripedFromGib} now, or maxStorageGib to ${stripedFromGib - 1} or less`,
            ),
          ];
    },
    passing: { storageGib: 100, maxStorageGib: 500 },
    failing: { storageGib: 300, maxStorageGib: 600 },
  }),
];

/** Rules about disks and classes together. */
export const awsClassRules: readonly WholeRule<typeof awsFields>[] = [
  {
    id: "aws-classes-reach-their-disks",
    source: "https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html",
    why: "RDS bills the provisioned performance, but an instance class never exceeds its own limit.",
    date: CHECKED,
    severity: "warning",
    check: eachClass((className, instance, path) => {
      const most = diskLimitOf(className);
      if (most === null) return [];
      return checkItems(["iops", "throughputMibps"] as const, (field) => {
        const value = instance[field];
        const rule = `is more than ${className} can use (${most[field]}), and is billed anyway`;
        return value !== null && value > Math.max(most[field], floorOf(field))
          ? [violation(`${path}.${field}`, rule, value, "lower it, or choose a larger size")]
          : [];
      });
    }),
    passing: { section: { region }, instances: { main: { size: { vcpus: 4, memoryGib: 16 }, storageGib: 400, iops: 40_000 } } },
    failing: { section: { region }, instances: { main: { size: { vcpus: 2, memoryGib: 1 }, storageGib: 400, iops: 64_000 } } },
  },
  {
    id: "aws-burstable-classes-are-for-development",
    source: `${GUIDE}/Concepts.DBInstanceClass.Types.html`,
    why: "A burstable class sustains only 10 to 40 % of its CPU, and RDS bills any use above that; a standby or replica costs the same again and adds no CPU.",
    date: CHECKED,
    severity: "warning",
    check: eachClass((className, { highAvailability, readReplicas }, path) =>
      BURSTABLE.test(className) && (highAvailability || readReplicas > 0)
        ? [
            violation(
              `${path}.size`,
              `is a burstable class with ${highAvailability ? "highAvailability" : "readReplicas"}: RDS bills all work above a baseline of 10 to 40 % of its CPU`,
              className,
              "use a class with full CPU, such as db.m7g.large",
            ),
          ]
        : [],
    ),
    passing: { section: { region }, instances: { main: { size: { vcpus: 2, memoryGib: 4 }, highAvailability: false } } },
    failing: { section: { region }, instances: { main: { size: { vcpus: 2, memoryGib: 4 } } } },
  },
];

/** Returns the free minimum of a volume of 400 GiB or more. */
const floorOf = (field: "iops" | "throughputMibps"): number => (field === "iops" ? GP3.iops.min : GP3.throughput.min);
