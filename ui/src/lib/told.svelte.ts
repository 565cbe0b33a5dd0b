// What the engine says, in the language of the screen. The engine speaks English in fixed forms; the table holds
// each form with `{}` for what it fills in, and its translation with the numbers of those. What fills a gap is
// translated in the same way, so that a reason within a reason is, too. A form that is not in the table is shown as
// it came: it says what is wrong, if not in the operator's language. The table is loaded when it is first needed.

import type { ApiError } from "../backend/types";
import { m } from "../paraglide/messages.js";
import { language } from "../state/locale.svelte";
import type { Locale } from "./language";

interface Form {
  pattern: RegExp;
  translation: string;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The forms, those with the most letters of their own first: they say the most about a text. */
function compiled(table: Record<string, string>): Form[] {
  const letters = (form: string) => form.replaceAll("{}", "").length;
  return Object.entries(table)
    .sort(([one], [other]) => letters(other) - letters(one))
    .map(([form, translation]) => ({
      pattern: new RegExp(`^${form.split("{}").map(escaped).join("(.+?)")}$`, "s"),
      translation,
    }));
}

let forms = $state.raw<Form[] | null>(null);
let loading: Promise<void> | null = null;
const known = new Map<string, string>();
const KNOWN = 500;

/** Loads the table; what is shown already is shown anew. */
export function loadForms(): Promise<void> {
  loading ??= import("../../messages/engine/tr.json").then(
    (table) => void (forms = compiled(table.default)),
    () => void (loading = null),
  );
  return loading;
}

function inTurkish(text: string, forms: Form[]): string {
  const before = known.get(text);
  if (before !== undefined) return before;
  let found = text;
  for (const { pattern, translation } of forms) {
    const match = pattern.exec(text);
    if (match) {
      found = translation.replace(/\{(\d)\}/g, (_, place: string) => inTurkish(match[Number(place)]!, forms));
      break;
    }
  }
  // Several reasons stand in one line with semicolons between them.
  if (found === text && text.includes("; "))
    found = text
      .split("; ")
      .map((part) => inTurkish(part, forms))
      .join("; ");
  if (known.size >= KNOWN) known.clear();
  known.set(text, found);
  return found;
}

/** The engine's text in the language of the screen. */
export function told(text: string, locale: Locale = language.current): string {
  if (locale !== "tr") return text;
  if (forms) return inTurkish(text, forms);
  void loadForms();
  return text;
}

/** An error as a sentence. The engine's errors say what was tried and why it did not come about. */
export function failed(error: Pick<ApiError, "message">): string {
  const words = told(error.message);
  return words === error.message ? m.trouble_text({ what: error.message }) : words;
}
