// From a level's text to a mail's subject and text. Knows no host.

import { PermanentFailure, money } from "@bursar/sdk";
import type { CalendarDate, InvoiceHead } from "@bursar/sdk";
import type { Letter, Level, Settings } from "./config.js";
import { amountText, dateText, localeOf } from "./format.js";
import type { Locale } from "./format.js";

/** Most characters of a subject: never more than the 500 bytes that a mail may have. */
const SUBJECT_CHARACTERS_MAX = 120;

/** What one reminder is about. */
export interface Occasion {
  head: InvoiceHead;
  /** 1 for the mildest. */
  level: number;
  daysOverdue: number;
  today: CalendarDate;
  /** The customer's, as BCP 47. */
  language: string | undefined;
}

/** The mail's words; permanent failure `placeholder-unknown` if a text names what there is not. */
export function letterFor(occasion: Occasion, settings: Settings): { subject: string; text: string } {
  const { letter, locale } = chosen(occasion, settings);
  const values = valuesOf(occasion, settings, locale);
  const settled = money.subtract(occasion.head.gross, occasion.head.outstanding);
  const partPaid = money.isPositive(settled) ? filled(letter.part_paid ?? "", values) : "";
  const text = filled(letter.text, { ...values, part_paid: partPaid }).replace(/\n{3,}/g, "\n\n");
  const subject = filled(letter.subject, values).replace(/[\s\p{Cc}]+/gu, " ").trim();
  return { subject: [...subject].slice(0, SUBJECT_CHARACTERS_MAX).join(""), text: `${text.trimEnd()}\n` };
}

/** The customer's language if the level has a text in it, else the default one. */
function chosen({ level, language }: Occasion, settings: Settings): { letter: Letter; locale: Locale } {
  const texts = (settings.levels[level - 1] as Level).texts;
  const own = localeOf(language);
  const letter = own && texts[own.language];
  return letter
    ? { letter, locale: own }
    : {
        letter: texts[settings.language_default] as Letter,
        locale: { language: settings.language_default, country: undefined },
      };
}

function valuesOf({ head, level, daysOverdue, today }: Occasion, settings: Settings, locale: Locale): Record<string, string> {
  const number = head.number ?? head.numberText;
  const date = (value: CalendarDate | undefined) => (value === undefined ? "" : dateText(value, locale));
  return {
    invoice: number,
    customer: head.partyName,
    sender: settings.sender_name,
    reference: head.reference ?? number,
    issue_date: date(head.issueDate),
    due_date: date(head.dueDate),
    today: date(today),
    total: amountText(head.gross, locale),
    open: amountText(head.outstanding, locale),
    settled: amountText(money.subtract(head.gross, head.outstanding), locale),
    days: String(daysOverdue),
    level: String(level),
  };
}

/** Each placeholder by its value, once: braces in a value stay what they are. */
function filled(text: string, values: Record<string, string>): string {
  return text.replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) {
      throw new PermanentFailure("placeholder-unknown", `a text names {${name}}, which does not exist here`, "/levels");
    }
    return value;
  });
}
