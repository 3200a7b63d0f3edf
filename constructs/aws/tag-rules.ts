import { violation } from "../model/errors";
import type { WholeRule } from "../model/target";
import { CHECKED } from "./rules";
import type { awsFields } from "./section";
import { region } from "./section-rules";

/** Tags that a resource can have. This project sets one for the environment, and one for the owner if there is one. */
const MOST_TAGS = 50;

/** Rules about labels and the owner, which are tags on AWS. */
export const awsTagRules: readonly WholeRule<typeof awsFields>[] = [
  {
    id: "aws-labels-fit-a-resource",
    source: "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html",
    why: "An AWS resource accepts 50 tags, and the first resource with more fails the deployment.",
    date: CHECKED,
    severity: "error",
    check: ({ owner, labels }) => {
      const most = MOST_TAGS - (owner === null ? 1 : 2);
      const count = Object.getOwnPropertyNames(labels).length;
      return count > most
        ? [violation("labels", `must have at most ${most} entries on AWS, in addition to this project's tags`, count, "remove some")]
        : [];
    },
    passing: { section: { region }, labels: { Owner: "user", "cost center": "Data + more" } },
    failing: { section: { region }, labels: Object.fromEntries(Array.from({ length: MOST_TAGS }, (_, index) => [`k${index}`, "v"])) },
  },
  {
    id: "aws-owner-is-a-tag",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Tag.html",
    why: "AWS rejects other characters in a tag's value, on the first resource of the deployment.",
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
