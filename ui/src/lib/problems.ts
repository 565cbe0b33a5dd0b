// What the engine says of a value, in the language of the screen. The engine speaks English in a few fixed
// forms; one that is not known here is shown as it came.

import type { Locale } from "./language";

const TURKISH: [RegExp, string][] = [
  [/^must be a whole number, is (.*)$/, "tam sayı olmalı, girilen: $1"],
  [/^must be a number, is (.*)$/, "sayı olmalı, girilen: $1"],
  [/^must be at least (.*), is (.*)$/, "en az $1 olmalı, girilen: $2"],
  [/^must be at most (.*), is (.*)$/, "en çok $1 olmalı, girilen: $2"],
  [/^must be above (.*), is (.*)$/, "$1 değerinden büyük olmalı, girilen: $2"],
  [/^must be from (\S+) to (\S+), is (.*)$/, "$1 ile $2 arasında olmalı, girilen: $3"],
  [
    /^must be from (\S+) up to but not including (\S+), is (.*)$/,
    "$1 ya da üstü ve $2 altında olmalı, girilen: $3",
  ],
  [/^unknown method (.*), expected one of (.*)$/, "bilinmeyen yöntem $1; olabilecekler: $2"],
  [/^is missing$/, "eksik"],
];

export function problemText(text: string, locale: Locale): string {
  if (locale === "en") return text;
  for (const [form, turkish] of TURKISH) {
    if (form.test(text)) return text.replace(form, turkish);
  }
  return text;
}
