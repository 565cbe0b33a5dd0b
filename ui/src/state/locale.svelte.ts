// The language of the screen. Messages read it through `getLocale`, so whatever shows a message changes
// with it.

import { localeOf, type Locale } from "../lib/language";
import { overwriteGetLocale } from "../paraglide/runtime.js";

class Language {
  current = $state<Locale>("en");

  /** Takes the operator's choice, or the system's language where they follow it. */
  follow(choice: "system" | Locale, system: string | null): void {
    this.current = choice === "system" ? localeOf(system ?? navigator.language) : choice;
    document.documentElement.lang = this.current;
  }
}

export const language = new Language();
overwriteGetLocale(() => language.current);
