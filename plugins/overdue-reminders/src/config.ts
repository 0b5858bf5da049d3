// The automation's configuration. Its shape is checked by the schema in plugin.toml; here are the defaults, and what a
// schema cannot say.

import { PermanentFailure } from "@bursar/sdk";
import type { Language } from "./format.js";

/** A mail's text with placeholders such as {invoice}. */
export interface Letter {
  subject: string;
  text: string;
  /** Stands at {part_paid} when a part is settled. */
  part_paid?: string;
}

export interface Level {
  days_overdue: number;
  texts: Partial<Record<Language, Letter>>;
}

export interface Config {
  calendar: string;
  sender_name: string;
  reply_to?: string;
  language_default?: Language;
  levels: Level[];
  days_between_levels?: number;
  /** Decimal amounts by currency. */
  smallest_rest?: Record<string, string>;
  stopped_customers?: string[];
  stopped_invoices?: string[];
  mails_per_run_max?: number;
}

/** The configuration with its defaults. */
export type Settings = Required<Omit<Config, "reply_to">> & Pick<Config, "reply_to">;

/** Fills in defaults; permanent failures `levels-not-rising` and `default-text-missing`. */
export function settingsOf(config: Config): Settings {
  const settings: Settings = {
    language_default: "en",
    days_between_levels: 7,
    smallest_rest: {},
    stopped_customers: [],
    stopped_invoices: [],
    mails_per_run_max: 500,
    ...config,
  };
  settings.levels.forEach((level, place) => {
    const before = settings.levels[place - 1]?.days_overdue ?? 0;
    if (level.days_overdue <= before) {
      const message = `level ${place + 1} comes after more days than the level before it`;
      throw new PermanentFailure("levels-not-rising", message, `/levels/${place}/days_overdue`);
    }
    if (level.texts[settings.language_default] === undefined) {
      const message = `level ${place + 1} has no text in the default language ${settings.language_default}`;
      throw new PermanentFailure("default-text-missing", message, `/levels/${place}/texts`);
    }
  });
  return settings;
}
