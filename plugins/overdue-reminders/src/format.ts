// Numbers and dates as a language writes them. The sandbox has no Intl, and five languages are five lines.

import { dates } from "@bursar/sdk";
import type { CalendarDate, Money } from "@bursar/sdk";

export type Language = "de" | "en" | "fr" | "it" | "nl";

/** A language, and the country it is written for, if that is known: {language: "de", country: "CH"}. */
export interface Locale {
  language: Language;
  country: string | undefined;
}

interface Style {
  group: string;
  point: string;
  isCurrencyFirst: boolean;
  months: string;
}

const NO_BREAK = "\u00a0";
const NARROW_NO_BREAK = "\u202f";

const STYLES: Record<Language, Style> = {
  de: {
    group: ".",
    point: ",",
    isCurrencyFirst: false,
    months: "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
  },
  en: {
    group: ",",
    point: ".",
    isCurrencyFirst: true,
    months: "January February March April May June July August September October November December",
  },
  fr: {
    group: NARROW_NO_BREAK,
    point: ",",
    isCurrencyFirst: false,
    months: "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
  },
  it: {
    group: ".",
    point: ",",
    isCurrencyFirst: false,
    months: "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
  },
  nl: {
    group: ".",
    point: ",",
    isCurrencyFirst: true,
    months: "januari februari maart april mei juni juli augustus september oktober november december",
  },
};

/** Splits a BCP 47 tag such as "de-CH"; undefined for languages that are not spoken here. */
export function localeOf(tag: string | undefined): Locale | undefined {
  const [language = "", ...rest] = (tag ?? "").split("-");
  const country = rest.find((part) => /^[A-Za-z]{2}$/.test(part))?.toUpperCase();
  const known = language.toLowerCase();
  return known in STYLES ? { language: known as Language, country } : undefined;
}

/** "1.234,50 EUR" in German, "EUR 1,234.50" in English; spaces in it do not break. */
export function amountText({ amount, currency }: Money, locale: Locale): string {
  const style = STYLES[locale.language];
  const isSwiss = locale.country === "CH" || locale.country === "LI";
  const [, sign, whole = "", fraction] = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(amount) ?? [];
  const grouped = whole.replace(/\B(?=(?:[0-9]{3})+$)/g, isSwiss ? "’" : style.group);
  const point = isSwiss ? "." : style.point;
  const number = `${sign}${grouped}${fraction === undefined ? "" : point + fraction}`;
  return style.isCurrencyFirst ? `${currency}${NO_BREAK}${number}` : `${number}${NO_BREAK}${currency}`;
}

/** "18. März 2026", "18 March 2026" ("March 18, 2026" in the United States), "1er mars 2026". */
export function dateText(date: CalendarDate, locale: Locale): string {
  const { year, month, day } = dates.parts(date);
  const name = STYLES[locale.language].months.split(" ")[month - 1];
  if (locale.language === "en" && locale.country === "US") {
    return `${name} ${day}, ${year}`;
  }
  const ordinal = locale.language === "de" ? "." : locale.language === "fr" && day === 1 ? "er" : "";
  return `${day}${ordinal} ${name} ${year}`;
}
