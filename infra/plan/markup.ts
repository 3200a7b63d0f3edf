/** Markup in which all values are escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Part = string | number | Markup | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Control characters, lone surrogates and characters that change the text direction: HTML forbids them, or they mislead readers. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Replaces those characters by their codes. */
export const visible = (text: string): string =>
  text.replaceAll(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

const escaped = (text: string): string => visible(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");

const toText = (part: Part): string => {
  if (part instanceof Markup) return part.text;
  return typeof part === "object" ? part.map(toText).join("") : escaped(String(part));
};

/** A template of HTML or SVG: escapes its values, except markup. Attributes need double quotes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  new Markup(strings.reduce((text, string, index) => `${text}${toText(parts[index - 1] ?? "")}${string}`));

export const NOTHING = html``;
