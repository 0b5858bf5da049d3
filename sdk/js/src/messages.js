// Messages that leave after the commit. Needs `messages` for the recipient's domain.

import { mail as hostMail } from "bursar:office/messages@0.1.0";
import { callRaw } from "./convert.js";

/** Drafts a mail and gives its id. The same key gives the same id again; with another mail it is a Conflict. */
export function mail(key, { to, cc = [], replyTo = undefined, subject, text }) {
  return callRaw(hostMail, key, { to, cc, replyTo, subject, text });
}
