// One reminder on its way: a mail, or a task where no mail can go. Both are keyed by invoice and level, for ever.

import { Conflict, Denied, Invalid, invoicesWrite, log, messages, tasks } from "@bursar/sdk";
import type { InvoiceHead, NewMail, Problem } from "@bursar/sdk";

/** The role that the manifest asks for. */
const ASSIGNEE = "role:accounting";

/**
 * What became of a reminder. The words are counters of a run's summary.
 *
 * posted: a person said that it went by post. asked: a person is asked to send it. closed: the question was closed, and it
 * was not sent. already: this automation dealt with it before.
 */
export type Fate = "mailed" | "posted" | "asked" | "closed" | "already";

/** What is sent about one invoice. */
export interface Reminder {
  head: InvoiceHead;
  level: number;
  address: string | undefined;
  mail: Omit<NewMail, "to">;
}

/** Sends by mail if there is an address that may be written to, else asks a person. */
export function send(reminder: Reminder): Fate {
  return (reminder.address !== undefined && mailed(reminder, reminder.address)) || ask(reminder);
}

/** Undefined when the host takes no mail for this address. */
function mailed({ head, level, mail }: Reminder, address: string): Fate | undefined {
  try {
    messages.mail(`${head.id}/${level}`, { ...mail, to: [address] });
  } catch (error) {
    if (error instanceof Conflict) {
      return "already";
    }
    if (isAboutRecipient(error)) {
      log.warn("the customer cannot be mailed", { invoice: head.numberText, party: head.party, why: error.message });
      return undefined;
    }
    throw error;
  }
  record(head, level);
  return "mailed";
}

/** Not granted, or no address; whatever else is wrong with a mail is a fault of the texts. */
function isAboutRecipient(error: unknown): error is Denied | Invalid {
  const isAddress = (problem: Problem) => problem.pointer.startsWith("/to");
  return error instanceof Denied || (error instanceof Invalid && error.problems.every(isAddress));
}

/** The same question every day gives the same task, so nothing in it may change with the day: see the answer instead. */
function ask({ head, level }: Reminder): Fate {
  const number = head.number ?? head.numberText;
  try {
    const id = tasks.create(`${head.id}/${level}`, {
      assignee: ASSIGNEE,
      title: `Send reminder ${level} of invoice ${number} by post`,
      text:
        `No mail can be sent to ${head.partyName}: there is no address, or none that may be written to.\n\n` +
        `Invoice ${number} over ${head.gross.amount} ${head.gross.currency} was due on ${head.dueDate}; ` +
        `see what is still open before you write. A mail goes out by itself once the customer has an address.`,
      choices: [
        { value: "sent", label: "Sent by post" },
        { value: "address", label: "The customer has an address now" },
        { value: "leave", label: "Leave it" },
      ],
      subjects: [`invoice/${head.id}`, `parties/${head.party}`],
    });
    const { isClosed, answer } = tasks.get(id);
    if (answer?.choice !== "sent") {
      return isClosed ? "closed" : "asked";
    }
  } catch (error) {
    if (error instanceof Conflict) {
      return "already";
    }
    throw error;
  }
  record(head, level);
  return "posted";
}

function record(head: InvoiceHead, level: number): void {
  try {
    invoicesWrite.dun(head.id, level);
  } catch (error) {
    if (!(error instanceof Conflict)) {
      throw error;
    }
    log.warn("the level was recorded before", { invoice: head.numberText, level });
  }
}
