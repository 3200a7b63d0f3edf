import { violation } from "../model/errors";
import { checkEach } from "../model/rule";
import type { WholeRule } from "../model/target";
import { CHECKED } from "./rules";
import type { awsFields } from "./section";

const region = "eu-central-1";

/** Whether two texts differ at most in case. */
const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Tags that a resource may have; on each of ours are the environment and the owner. */
const MOST_TAGS = 50;

/** About labels and the owner, which are tags on AWS. */
export const awsTagRules: readonly WholeRule<typeof awsFields>[] = [
  {
    id: "aws-labels-are-tags",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html",
    date: CHECKED,
    severity: "error",
    // IAM tells no two keys apart that differ in case only, and a role has all of them.
    check: ({ name, owner, labels }) => {
      const own: readonly (readonly [string, string])[] = [["environment", name], ...(owner === null ? [] : [["owner", owner] as const])];
      const keys = Object.getOwnPropertyNames(labels);
      const twice = checkEach(labels, (value, key) => {
        const [mine, its] = own.find(([each]) => isSame(each, key)) ?? [];
        if (mine === key && its === value) return [];
        if (mine !== undefined)
          return [violation(`labels.${key}`, `is taken by our tag ${mine} (${JSON.stringify(its)})`, value, "remove it, or rename it")];
        const other = keys.slice(0, keys.indexOf(key)).find((each) => isSame(each, key));
        return other === undefined
          ? []
          : [violation(`labels.${key}`, `differs from ${other} only in case, which IAM does not see`, value, "remove one of the two")];
      });
      const most = MOST_TAGS - own.length;
      const many = keys.length > most ? [violation("labels", `must be at most ${most}, besides ours`, keys.length, "remove some")] : [];
      return [...twice, ...many];
    },
    passing: { section: { region }, name: "test", labels: { Owner: "user", "cost center": "Data + more" } },
    failing: { section: { region }, name: "test", labels: { Environment: "dev" } },
  },
  {
    id: "aws-owner-is-a-tag",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Tag.html",
    date: CHECKED,
    severity: "error",
    check: ({ owner }) =>
      owner === null || /^[\p{L}\p{N} _.:/=+@-]{1,256}$/u.test(owner)
        ? []
        : [violation("owner", "must be 1 to 256 letters, digits, spaces and _ . : / = + - @ on AWS, where it is a tag", owner)],
    passing: { section: { region }, owner: "ML Platform" },
    failing: { section: { region }, owner: "ml; platform" },
  },
];
