// Sets right what the rest of the page and its libraries take for granted about the browser's language.
// Imported before everything else: under LANG=C.UTF-8 WebKit reports "C", on which Intl throws, and a
// library that formats while it is imported then leaves an empty window.

export type Locale = "en" | "tr";

/** The language tag if Intl accepts it, else English. */
export function sane(tag: string | null | undefined): string {
  if (!tag) return "en-US";
  try {
    return Intl.getCanonicalLocales(tag.replace("_", "-").replace(/[.@].*$/, ""))[0] ?? "en-US";
  } catch {
    return "en-US";
  }
}

/** The language of ours that fits a tag best. */
export function localeOf(tag: string | null | undefined): Locale {
  return sane(tag).toLowerCase().split("-")[0] === "tr" ? "tr" : "en";
}

/** Makes `navigator.language` and `navigator.languages` ones that Intl accepts. */
export function repairNavigator(target: Navigator): void {
  const language = sane(target.language);
  if (language === target.language) return;
  Object.defineProperty(target, "language", { configurable: true, get: () => language });
  Object.defineProperty(target, "languages", { configurable: true, get: () => [language] });
}
